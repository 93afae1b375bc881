//! Nothing is left of callers that went away, of loads that failed, and of keys that nobody asks for again.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use cached_runtime::cache;

use crate::{caches, run};

const KEYS: u64 = 100_000;
/// A flight takes some 200 bytes: one left in a thousand would be seen.
const MOST: i64 = 20_000;

#[derive(Debug)]
struct Opaque;

#[cache(backend = "local")]
async fn endless(id: u64) -> u64 {
    std::future::pending::<()>().await;
    id
}

#[cache(backend = ["local", "far"])]
async fn endless_far(id: u64) -> Option<u64> {
    std::future::pending::<()>().await;
    Some(id)
}

#[cache(backend = "local")]
async fn fails(id: u64) -> Result<u64, Opaque> {
    tokio::task::yield_now().await;
    if id < u64::MAX { Err(Opaque) } else { Ok(id) }
}

#[cache(backend = "local")]
async fn fails_for_all(id: u64) -> Result<u64, String> {
    tokio::task::yield_now().await;
    if id < u64::MAX { Err("no".into()) } else { Ok(id) }
}

#[cache(backend = "local", cache_if = |_| false)]
async fn unkept(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id
}

fn poll_once(call: std::pin::Pin<&mut impl Future>) {
    assert!(call.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// What is still there after `work` for each key, once as much as is reused has been made.
macro_rules! left {
    (|$id:ident| $work:expr) => {{
        let caches = caches();
        run(&caches, async {
            for $id in 0..1_000 {
                $work;
            }
            let before = KEYS;
            let counted = std::cell::Cell::new(0);
            let mut each = 1_000..1_000 + before;
            // Counting is by closure, so everything inside is polled by hand.
            counted.set(measure(|| each.by_ref().for_each(|$id| $work)).bytes_current);
            assert!(counted.get() <= MOST, "{} bytes are left", counted.get());
        });
    }};
}

#[test]
fn nothing_is_left_of_leaders_and_followers_that_went_away() {
    left!(|id| {
        let (a, b, c) = (endless(id), endless(id), endless(id));
        {
            let mut leader = Box::pin(a);
            let mut first = Box::pin(b);
            let mut second = Box::pin(c);
            poll_once(leader.as_mut());
            poll_once(first.as_mut());
            poll_once(second.as_mut());
            // From either end.
            if id % 2 == 0 {
                drop(leader);
                drop((first, second));
            } else {
                drop((second, first));
                drop(leader);
            }
        }
    });
    left!(|id| poll_once(pin!(endless_far(id))));
}

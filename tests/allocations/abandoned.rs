//! Nothing is left of callers that went away, of loads that failed, and of keys that nobody asks for again.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

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
    pause().await;
    if id < u64::MAX { Err(Opaque) } else { Ok(id) }
}

#[cache(backend = "local")]
async fn fails_for_all(id: u64) -> Result<u64, String> {
    pause().await;
    if id < u64::MAX { Err("no".into()) } else { Ok(id) }
}

#[cache(backend = "local", cache_if = |_| false)]
async fn unkept(id: u64) -> u64 {
    pause().await;
    id
}

#[cache(backend = "local")]
async fn panics(id: u64) -> u64 {
    pause().await;
    if id < u64::MAX {
        resume_unwind(Box::new(()));
    }
    id
}

#[cache(backend = "local", capacity = 100)]
async fn kept(id: u64) -> u64 {
    id
}

#[cache(backend = "moka", capacity = 100)]
async fn kept_by_moka(id: u64) -> u64 {
    id
}

/// Ready when it is polled again, which nobody is asked to do.
async fn pause() {
    let mut begun = false;
    poll_fn(|_| {
        if std::mem::replace(&mut begun, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn begin(call: Pin<&mut impl Future>) {
    assert!(call.poll(&mut context()).is_pending());
}

fn end<T>(call: Pin<&mut impl Future<Output = T>>) -> T {
    match call.poll(&mut context()) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it has an answer"),
    }
}

/// What is still there after so many keys, once what is made once has been made.
fn left(work: impl Fn(u64)) {
    let caches = caches();
    run(&caches, async {
        (0..1_000).for_each(&work);
        let counted = measure(|| (1_000..1_000 + KEYS).for_each(&work));
        assert!(counted.bytes_total > KEYS, "nothing was measured");
        assert!(
            counted.bytes_current <= MOST,
            "{} bytes are left",
            counted.bytes_current
        );
    });
}

#[test]
fn nothing_is_left_of_leaders_and_followers_that_went_away() {
    left(|id| {
        let (mut leader, mut first, mut second) = (
            Box::pin(endless(id)),
            Box::pin(endless(id)),
            Box::pin(endless(id)),
        );
        begin(leader.as_mut());
        begin(first.as_mut());
        begin(second.as_mut());
        // From either end, and with a turn that was offered or taken up.
        match id % 4 {
            0 => drop((leader, first, second)),
            1 => drop((second, first, leader)),
            2 => {
                drop(leader);
                begin(second.as_mut());
                drop((first, second));
            }
            _ => {
                drop(leader);
                begin(first.as_mut());
                drop(first);
                begin(second.as_mut());
                drop(second);
            }
        }
    });
}

#[test]
fn nothing_is_left_of_those_who_were_alone() {
    left(|id| begin(pin!(endless(id))));
    left(|id| begin(pin!(endless_far(id))));
}

#[test]
fn nothing_is_left_of_answers_that_are_not_kept() {
    left(|id| {
        let (mut leader, mut follower) = (pin!(unkept(id)), pin!(unkept(id)));
        begin(leader.as_mut());
        begin(follower.as_mut());
        assert_eq!((end(leader), end(follower)), (id, id));
    });
}

#[test]
fn nothing_is_left_of_errors() {
    left(|id| {
        let (mut leader, mut follower) = (pin!(fails_for_all(id)), pin!(fails_for_all(id)));
        begin(leader.as_mut());
        begin(follower.as_mut());
        assert!(end(leader).is_err() && end(follower).is_err());
    });
    // Each runs for itself.
    left(|id| {
        let (mut leader, mut follower) = (pin!(fails(id)), pin!(fails(id)));
        begin(leader.as_mut());
        begin(follower.as_mut());
        assert!(end(leader).is_err());
        begin(follower.as_mut());
        assert!(end(follower).is_err());
    });
}

#[test]
fn nothing_is_left_of_panics() {
    left(|id| {
        let (mut leader, mut follower) = (pin!(panics(id)), pin!(panics(id)));
        begin(leader.as_mut());
        begin(follower.as_mut());
        for mut call in [leader.as_mut(), follower.as_mut()] {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                while call.as_mut().poll(&mut context()).is_pending() {}
            }));
            assert!(caught.is_err());
        }
    });
}

/// What is kept is bounded by the capacity, whatever the number of keys.
#[test]
fn what_is_kept_is_bounded() {
    left(|id| assert_eq!(end(pin!(kept(id))), id));
    left(|id| assert_eq!(end(pin!(kept_by_moka(id))), id));
}

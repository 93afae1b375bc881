//! What those who wait for one load take.

use allocation_counter::measure;
use cached_runtime::cache;
use std::time::Duration;

use crate::{caches, run};

const CALLERS: usize = 10_000;
const MOST: u64 = 8 << 20;

#[cache(backend = "local")]
async fn slow(id: u64) -> Result<u64, String> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(id)
}

#[cache(backend = ["local", "far"], ttl = "1m")]
async fn far(tenant: &str, id: u64) -> Option<String> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    Some(format!("{tenant} {id}"))
}

macro_rules! peak {
    ($call:expr) => {{
        let caches = caches();
        println!("{} bytes a call", size_of_val(&$call(0)));
        // The first call makes what is made once.
        run(&caches, async {
            let _ = $call(0).await;
        });
        let counted = measure(|| {
            run(&caches, async {
                let calls: Vec<_> = (0..CALLERS)
                    .map(|_| {
                        let caches = caches.clone();
                        tokio::spawn(async move { caches.scope($call(1)).await })
                    })
                    .collect();
                for call in calls {
                    let _ = call.await.unwrap();
                }
            });
        });
        println!(
            "{} bytes for {CALLERS} callers of {}",
            counted.bytes_max,
            stringify!($call)
        );
        assert!(counted.bytes_max <= MOST, "{} bytes", counted.bytes_max);
        assert!(
            counted.bytes_max > 10 * CALLERS as u64,
            "they did not wait: {counted:?}"
        );
    }};
}

/// The tasks and their handles included.
#[test]
fn ten_thousand_waiting_callers_take_eight_mebibytes_at_most() {
    peak!(slow);
    peak!(|id| far("shop", id));
}

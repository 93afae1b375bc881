//! Two who clear one cache at once: what the one has cleared must not come back when the other is late.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use cached_runtime::{Caches, cache};

use crate::odd::Odd;

#[cache(backend = "local", key = "w1:{id}")]
async fn local(id: u64) -> u64 {
    id
}

#[cache(backend = "moka", key = "w2:{id}")]
async fn moka(id: u64) -> u64 {
    id
}

fn run<F: Future>(caches: &Caches, work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(caches.scope(work))
}

macro_rules! cleared {
    ($function:ident, $entry:ident, $cache:ident) => {{
        let caches = Odd::new().caches();
        let done = AtomicBool::new(false);
        thread::scope(|threads| {
            // More than there are cores, so that they get into each other's way.
            for _ in 0..6 {
                threads.spawn(|| {
                    run(&caches, async {
                        while !done.load(SeqCst) {
                            $cache().clear().await.unwrap();
                        }
                    });
                });
            }
            let seen = run(&caches, async {
                let end = Instant::now() + Duration::from_secs(3);
                let mut value = $function(1).await;
                while Instant::now() < end {
                    value += 1;
                    $entry(1).insert(value).await.unwrap();
                    $cache().clear().await.unwrap();
                    for _ in 0..50 {
                        if let Some(seen) = $entry(1).get().await.unwrap() {
                            return Some(seen);
                        }
                    }
                }
                None
            });
            done.store(true, SeqCst);
            assert_eq!(seen, None, "cleared, and there again");
        });
    }};
}

#[test]
fn what_is_cleared_stays_so() {
    cleared!(local, local_entry, local_cache);
}

#[test]
fn what_is_cleared_stays_so_in_moka() {
    cleared!(moka, moka_entry, moka_cache);
}

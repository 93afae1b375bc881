//! Hits on threads of their own, while what they find is replaced and while time goes by.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use cached_runtime::{cache, invalidate};
use tokio::runtime::Builder;

use crate::install;

const KEYS: usize = 16;
const READERS: u64 = 3;
const WRITES: u64 = 20_000;

/// What the functions read.
static SOURCE: [AtomicU64; KEYS] = [const { AtomicU64::new(0) }; KEYS];
/// What is known to be written and invalidated.
static WRITTEN: [AtomicU64; KEYS] = [const { AtomicU64::new(0) }; KEYS];

#[cache(backend = "local", ttl = "1h", capacity = 1_000)]
async fn read(key: usize) -> u64 {
    SOURCE[key].load(SeqCst)
}

#[cache(backend = "local", ttl = "1h", capacity = 1_000)]
async fn read_for(tenant: &str, key: usize) -> u64 {
    let _ = tenant;
    SOURCE[key].load(SeqCst)
}

#[invalidate(read(key), read_for("tenant", key))]
async fn write(key: usize) -> u64 {
    SOURCE[key].fetch_add(1, SeqCst) + 1
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

#[test]
fn no_hit_is_older_than_what_has_been_written() {
    install();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..READERS {
            let done = &done;
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed ^ (reader + 1));
                run(async {
                    while !done.load(SeqCst) {
                        let key = random.usize(..KEYS);
                        let least = WRITTEN[key].load(SeqCst);
                        let got = (read(key).await, read_for("tenant", key).await);
                        assert!(
                            got.0 >= least && got.1 >= least,
                            "{got:?} of {least}, seed {seed}"
                        );
                    }
                });
            });
        }
        let mut random = fastrand::Rng::with_seed(seed);
        run(async {
            for _ in 0..WRITES {
                let key = random.usize(..KEYS);
                let written = write(key).await;
                WRITTEN[key].store(written, SeqCst);
            }
        });
        done.store(true, SeqCst);
    });
}

#[cache(backend = "local", ttl = "200ms")]
async fn now(id: u64) -> Instant {
    let _ = id;
    Instant::now()
}

/// Also while one thread reads the clock for all: so many hits make it.
#[test]
fn hits_do_not_keep_what_is_over() {
    /// Less by what the clock may lag.
    const LIFE: Duration = Duration::from_millis(180);
    install();
    run(async {
        let first = now(1).await;
        let mut last = first;
        let mut lives = 0;
        while lives < 3 {
            let found = now(1).await;
            assert!(first.elapsed() < Duration::from_secs(60), "it is never over");
            if found != last {
                assert!(found - last >= LIFE, "{:?}", found - last);
                (last, lives) = (found, lives + 1);
            }
        }
    });
}

#[cache(backend = "local", ttl = "1h")]
async fn counted(id: u64) -> u64 {
    id
}

#[test]
fn each_hit_is_counted_once() {
    const THREADS: u64 = 3;
    const CALLS: u64 = 100_000;
    install();
    run(async {
        for id in 0..10 {
            counted(id).await;
        }
    });
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                run(async {
                    for call in 0..CALLS {
                        assert_eq!(counted(call % 10).await, call % 10);
                    }
                });
            });
        }
    });
    let stats = counted_cache().stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (THREADS * CALLS, 10, 10));
}

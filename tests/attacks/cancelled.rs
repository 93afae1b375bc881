//! Every operation dropped after every number of polls, and then the invariants.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use cached_runtime::{Caches, Mode, cache, invalidate, with_mode};
use tokio::task::yield_now;

use crate::must_end;
use crate::odd::Odd;

/// What the database holds; every value written is newer than the one before.
static SOURCE: AtomicU64 = AtomicU64::new(0);

#[cache(backend = ["local", "odd"], key = "c:{id}")]
async fn read(id: u64) -> u64 {
    let _ = id;
    yield_now().await;
    let value = SOURCE.load(SeqCst);
    yield_now().await;
    value
}

#[invalidate(read(id))]
async fn write(id: u64) {
    let _ = id;
    yield_now().await;
    SOURCE.fetch_add(1, SeqCst);
    yield_now().await;
}

#[invalidate(read(id), when = "always")]
async fn write_and_fail(id: u64) -> Result<(), u64> {
    yield_now().await;
    SOURCE.fetch_add(1, SeqCst);
    Err(id)
}

#[invalidate(read(output))]
async fn write_named_later(id: u64) -> u64 {
    yield_now().await;
    SOURCE.fetch_add(1, SeqCst);
    id
}

/// It says which `Caches` it means, or one with a store that knows no patterns could not be built beside it.
#[invalidate(pattern = "c:{id}*", key = "c:{id}", read(..), caches = Caches::current())]
async fn write_widely(id: u64) {
    let _ = id;
    yield_now().await;
    SOURCE.fetch_add(1, SeqCst);
}

/// The source is shared, so one test at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

type Operation = Pin<Box<dyn Future<Output = ()> + Send>>;

fn boxed<F: Future<Output: Send> + Send + 'static>(work: F) -> Operation {
    Box::pin(async {
        let _ = work.await;
    })
}

type Named = (&'static str, fn() -> Operation);

fn operations() -> Vec<Named> {
    vec![
        ("read", || boxed(read(1))),
        ("refresh", || boxed(with_mode(Mode::Refresh, read(1)))),
        ("two reads", || boxed(async { tokio::join!(read(1), read(1)) })),
        ("write", || boxed(write(1))),
        ("write and fail", || boxed(write_and_fail(1))),
        ("write named later", || boxed(write_named_later(1))),
        ("write widely", || boxed(write_widely(1))),
        ("get", || boxed(async { read_entry(1).get().await })),
        ("insert", || {
            boxed(async {
                let value = SOURCE.fetch_add(1, SeqCst) + 1;
                read_entry(1).insert(value).await
            })
        }),
        ("invalidate", || boxed(async { read_entry(1).invalidate().await })),
        ("clear", || boxed(async { read_cache().clear().await })),
        ("by key", || {
            boxed(async { Caches::current().invalidate_key("c:1").await })
        }),
        ("by pattern", || {
            boxed(async { Caches::current().invalidate_pattern("c:*").await })
        }),
        ("everything", || boxed(async { Caches::current().clear().await })),
    ]
}

/// Polls `operation` at most so often. Whether it ended.
fn polled(mut operation: Pin<&mut (dyn Future<Output = ()> + Send)>, polls: usize) -> bool {
    (0..polls).any(|_| {
        matches!(
            operation.as_mut().poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        )
    })
}

/// Whoever reads now gets what the source holds now, and nothing is left behind.
async fn in_order(caches: &Caches, what: &str) {
    must_end(write(1)).await;
    let now = SOURCE.load(SeqCst);
    assert_eq!(must_end(read(1)).await, now, "{what}: in the caches");
    assert_eq!(must_end(read(1)).await, now, "{what}: kept");
    must_end(caches.settle()).await;
    assert!(!caches.stats().stores[0].pending_removals, "{what}");
    assert_eq!(must_end(read(1)).await, now, "{what}: settled");
}

/// Beside each other in all pairs, one of them dropped. Nothing else runs meanwhile.
#[tokio::test]
async fn at_every_point() {
    let _turn = TURN.lock().await;
    let caches = Odd::new().caches();
    caches
        .scope(async {
            for warm in [false, true] {
                for (name, dropped) in operations() {
                    for polls in 1..200 {
                        if warm {
                            must_end(read(1)).await;
                        } else {
                            must_end(read_entry(1).invalidate()).await.unwrap();
                        }
                        let mut operation = dropped();
                        let ended = polled(operation.as_mut(), polls);
                        drop(operation);
                        in_order(
                            &caches,
                            &format!("{name}, dropped after {polls} polls, warm {warm}"),
                        )
                        .await;
                        if ended {
                            break;
                        }
                        assert!(polls < 199, "{name} is longer than expected");
                    }
                }
            }
        })
        .await;
}

/// The same while another operation is under way, which then goes on: with nothing kept, with an entry in every tier,
/// and with one that only the store has.
#[tokio::test]
async fn at_every_point_of_every_pair() {
    let _turn = TURN.lock().await;
    let odd = Odd::new();
    let (caches, elsewhere) = (odd.caches(), odd.caches());
    caches
        .scope(async {
            for (name, dropped) in operations() {
                for (other, goes_on) in operations() {
                    for (polls, head_start) in
                        [(1, 0), (2, 1), (3, 3), (4, 0), (5, 5), (6, 2), (8, 1), (11, 4)]
                    {
                        for kept in ["nothing", "all", "far"] {
                            must_end(read_entry(1).invalidate()).await.unwrap();
                            match kept {
                                "all" => must_end(boxed(read(1))).await,
                                "far" => must_end(elsewhere.scope(boxed(read(1)))).await,
                                _ => {}
                            }
                            let mut other_operation = goes_on();
                            // A finished future must not be polled again.
                            let done = polled(other_operation.as_mut(), head_start);
                            let mut operation = dropped();
                            polled(operation.as_mut(), polls);
                            drop(operation);
                            if !done {
                                must_end(other_operation).await;
                            }
                            let what = format!(
                                "{name} dropped after {polls} beside {other} at {head_start}, {kept} kept"
                            );
                            in_order(&caches, &what).await;
                        }
                    }
                }
            }
        })
        .await;
}

/// A writer that went away has removed: whoever asks next is not given what was there before.
#[tokio::test]
async fn a_writer_that_is_dropped_has_removed() {
    let _turn = TURN.lock().await;
    let caches = Odd::new().caches();
    caches
        .scope(async {
            for (name, dropped) in operations()
                .into_iter()
                .filter(|(name, _)| name.starts_with("write"))
            {
                for polls in 1..20 {
                    must_end(write(1)).await;
                    let old = must_end(read(1)).await;
                    let mut operation = dropped();
                    polled(operation.as_mut(), polls);
                    drop(operation);
                    let now = SOURCE.load(SeqCst);
                    let seen = must_end(read(1)).await;
                    assert_eq!(seen, now, "{name} dropped after {polls}: {old}");
                }
            }
        })
        .await;
}

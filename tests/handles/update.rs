//! `update` of an entry: the source is written, and the entry is removed or given the new value, as its cache says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Cache, Caches, ErrorKind, Strategy, cache, update};
use cached_tests::{Gate, RedisServer};

use crate::setup::{MINUTE, built, caches, here};

const AT_ONCE: [Strategy; 3] = [
    Strategy::CacheAside,
    Strategy::RefreshAhead,
    Strategy::WriteThrough,
];

fn of(caches: &Caches, strategy: Strategy) -> Cache<u64> {
    built(caches, &format!("{strategy:?}"), |it| {
        it.ttl(MINUTE).strategy(strategy)
    })
}

fn kept(strategy: Strategy, value: u64) -> Option<u64> {
    (strategy == Strategy::WriteThrough).then_some(value)
}

#[tokio::test]
async fn once_it_is_written_the_entry_is_what_the_strategy_says() {
    let server = RedisServer::start().await;
    let (near, far) = (caches(&server).await, caches(&server).await);
    for strategy in AT_ONCE {
        let numbers = of(&near, strategy);
        // A miss, and a hit.
        for present in [false, true] {
            if present {
                numbers.entry(1).insert(1).await.unwrap();
            }
            let seen = AtomicU64::new(0);
            let entry = numbers.entry(1);
            let written = entry
                .update(2, async || {
                    let before = entry.get().await.unwrap();
                    seen.store(before.unwrap_or_default(), SeqCst);
                    Ok::<_, String>("done")
                })
                .await;
            assert_eq!(written.unwrap(), Ok("done"));
            assert_eq!(seen.into_inner(), u64::from(present), "not before it is written");
            assert_eq!(entry.get().await.unwrap(), kept(strategy, 2));
            let elsewhere = of(&far, strategy).entry(1).get().await.unwrap();
            assert_eq!(elsewhere, kept(strategy, 2), "{strategy:?}");
            far.clear().await.unwrap();
            near.clear().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_writer_that_fails_leaves_the_entry_as_it_is() {
    let (caches, _clock) = here();
    for strategy in AT_ONCE {
        let entry = of(&caches, strategy).entry(1);
        entry.insert(1).await.unwrap();
        let written = entry.update(2, async || Err::<(), _>("no")).await;
        assert_eq!(written.unwrap(), Err("no"));
        assert_eq!(entry.get().await.unwrap(), Some(1), "{strategy:?}");
    }
}

/// The rules of `?`: those of the cache before those of the source.
#[tokio::test]
async fn both_errors_pass_on() -> Result<(), Box<dyn std::error::Error>> {
    let (caches, _clock) = here();
    let rows = of(&caches, Strategy::WriteThrough)
        .entry(1)
        .update(2, async || "7".parse::<u64>())
        .await??;
    assert_eq!(rows, 7);
    Ok(())
}

#[tokio::test]
async fn what_overlaps_leaves_nothing() {
    let server = RedisServer::start().await;
    let (near, far) = (caches(&server).await, caches(&server).await);
    for other in [&near, &far] {
        let gate = Gate::of(2);
        let entry = of(&near, Strategy::WriteThrough).entry(1);
        let meanwhile = async {
            gate.begun().await;
            let other = of(other, Strategy::WriteThrough).entry(1);
            other
                .update(3, async || Ok::<_, String>(()))
                .await
                .unwrap()
                .unwrap();
            gate.open();
        };
        let (first, ()) = tokio::join!(
            entry.update(2, async || Ok::<_, String>(gate.load().await)),
            meanwhile
        );
        assert_eq!(first.unwrap(), Ok(2));
        for caches in [&near, &far] {
            caches.settle().await;
        }
        assert_eq!(entry.get().await.unwrap(), None);
        assert_eq!(server.cli::<u64>(&["EXISTS", "shop:WriteThrough:1"]).await, 0);
    }
}

#[tokio::test]
async fn a_load_that_began_before_is_not_kept() {
    let (caches, _clock) = here();
    for strategy in AT_ONCE {
        let entry = of(&caches, strategy).entry(1);
        let gate = Gate::of(1);
        let written = async {
            gate.begun().await;
            entry
                .update(2, async || Ok::<_, String>(()))
                .await
                .unwrap()
                .unwrap();
            gate.open();
        };
        let (loaded, ()) = tokio::join!(entry.get_or_load(async || gate.load().await), written);
        assert_eq!(loaded.unwrap(), 1);
        assert_eq!(entry.get().await.unwrap(), kept(strategy, 2), "{strategy:?}");
    }
}

#[tokio::test]
async fn a_reload_that_began_before_is_not_kept() {
    let (caches, clock) = here();
    for strategy in AT_ONCE {
        let numbers: Cache<u64> = built(&caches, &format!("stale {strategy:?}"), |it| {
            it.ttl(MINUTE).stale(MINUTE).strategy(strategy)
        });
        let (entry, gate) = (numbers.entry(1), Arc::new(Gate::of(1)));
        entry.insert(0).await.unwrap();
        clock.advance(MINUTE);
        let held = Arc::clone(&gate);
        let load = move || async move { held.load().await };
        assert_eq!(entry.get_or_reload(load).await.unwrap(), 0);
        gate.begun().await;
        entry
            .update(2, async || Ok::<_, String>(()))
            .await
            .unwrap()
            .unwrap();
        gate.open();
        caches.settle().await;
        assert_eq!(entry.get().await.unwrap(), kept(strategy, 2), "{strategy:?}");
    }
}

/// Many writers and readers of few keys, in two processes: what is left in the end is what the source has.
#[tokio::test(flavor = "multi_thread")]
async fn cache_and_source_do_not_end_apart() {
    let server = RedisServer::start().await;
    let processes = [caches(&server).await, caches(&server).await];
    for strategy in AT_ONCE {
        let name = format!("few {strategy:?}");
        let of = |caches: &Caches| {
            built::<u64>(caches, &name, |it| {
                it.ttl(MINUTE).strategy(strategy).backend(["redis"])
            })
        };
        let rows: Arc<[AtomicU64; 3]> = Arc::default();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..12_u64 {
            let (numbers, rows) = (of(&processes[task as usize % 2]), Arc::clone(&rows));
            tasks.spawn(async move {
                for round in 0..40 {
                    let key = (task + round) as usize % rows.len();
                    let entry = numbers.entry(key);
                    if (task * 7 + round) % 3 == 0 {
                        let value = task * 1_000 + round + 1;
                        let write = async || {
                            tokio::task::yield_now().await;
                            rows[key].store(value, SeqCst);
                            tokio::task::yield_now().await;
                            Ok::<_, String>(())
                        };
                        entry.update(value, write).await.unwrap().unwrap();
                    } else {
                        let load = async || {
                            let value = rows[key].load(SeqCst);
                            tokio::task::yield_now().await;
                            value
                        };
                        entry.get_or_load(load).await.unwrap();
                    }
                }
            });
        }
        tasks.join_all().await;
        for caches in &processes {
            caches.settle().await;
        }
        for (key, row) in rows.iter().enumerate() {
            let left = of(&processes[0]).entry(key).get().await.unwrap();
            let source = row.load(SeqCst);
            assert!(
                left.is_none_or(|left| left == source),
                "{strategy:?}: {left:?}, not {source}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_knows_what_an_interrupted_writer_has_written() {
    let (caches, _clock) = here();
    for strategy in AT_ONCE {
        let entry = of(&caches, strategy).entry(1);
        entry.insert(1).await.unwrap();
        drop(entry.update(2, async || Ok::<_, String>(())));
        assert_eq!(entry.get().await.unwrap(), Some(1), "it had not begun");
        let gate = Gate::of(2);
        tokio::select! {
            biased;
            _ = entry.update(2, async || Ok::<_, String>(gate.load().await)) => unreachable!(),
            () = gate.begun() => {}
        }
        assert_eq!(entry.get().await.unwrap(), None, "{strategy:?}");

        entry.insert(1).await.unwrap();
        let same = entry.clone();
        let panics = move || -> std::future::Ready<Result<(), String>> { panic!("before there is a future") };
        let task = tokio::spawn(async move { same.update(2, panics).await });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(entry.get().await.unwrap(), None, "{strategy:?}");
    }
}

#[tokio::test]
async fn the_life_of_the_value_begins_when_it_is_written_and_a_value_that_is_not_kept_removes() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| {
        it.ttl(MINUTE)
            .cache_if(|value| *value < 10)
            .strategy(Strategy::WriteThrough)
    });
    let entry = numbers.entry(1);
    let write = async || {
        clock.advance(MINUTE / 2);
        Ok::<_, String>(())
    };
    entry.update(2, write).await.unwrap().unwrap();
    assert_eq!(entry.remaining_ttl().await.unwrap(), Some(MINUTE));
    entry.update(10, write).await.unwrap().unwrap();
    assert_eq!(entry.get().await.unwrap(), None);
}

/// As servers do, with what a handler owns and what it borrows.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_write() {
    let (caches, _clock) = here();
    let through = of(&caches, Strategy::WriteThrough);
    let log = Arc::new(AtomicU64::new(0));
    let tasks = (0..100).map(|key| {
        let (through, log) = (through.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let name = key.to_string();
            let write = async || {
                tokio::task::yield_now().await;
                log.fetch_add(1, SeqCst);
                name.parse::<u64>()
            };
            through.entry(key).update(key, write).await
        })
    });
    for (key, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), Ok(key as u64));
    }
    let entries = through.stats().entries;
    // Keys may share a stamp, and then those that are written at once take each other for the same one.
    assert!(log.load(SeqCst) == 100 && entries >= 80, "{entries}");
}

#[tokio::test]
async fn it_is_written_after_a_shutdown_too() {
    let (caches, _clock) = here();
    for strategy in AT_ONCE {
        of(&caches, strategy).entry(1).insert(1).await.unwrap();
    }
    let entries = AT_ONCE.map(|strategy| of(&caches, strategy).entry(1));
    caches.shutdown().await.unwrap();
    for (entry, strategy) in entries.into_iter().zip(AT_ONCE) {
        let written = entry.update(2, async || Ok::<_, String>(5)).await;
        assert_eq!(written.unwrap(), Ok(5));
        let next = entry.get_or_load(async || 3).await.unwrap();
        assert_eq!(next, kept(strategy, 2).unwrap_or(3));
    }
}

#[cache(key = "through:{id}", strategy = "write_through", backend = "local")]
async fn through(id: u64) -> u64 {
    id
}

#[cache(key = "behind:{id}", strategy = "write_behind", backend = "local")]
async fn behind(id: u64) -> u64 {
    id
}

#[update(through(id) = value)]
async fn save(id: u64, value: u64, during: impl AsyncFnOnce()) {
    let _ = id;
    during().await;
}

#[tokio::test]
async fn entries_of_functions_are_written_by_the_same_rules() {
    let (caches, _clock) = here();
    caches
        .scope(async {
            through(1).await;
            let entry = through_entry(1);
            entry
                .update(2, async || Ok::<_, String>(()))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(through(1).await, 2);
            // One of either kind inside of one of the other.
            save(1, 3, async || {
                entry
                    .update(4, async || Ok::<_, String>(()))
                    .await
                    .unwrap()
                    .unwrap();
            })
            .await;
            assert_eq!(entry.get().await.unwrap(), None);
        })
        .await;
}

#[tokio::test]
async fn where_it_cannot_be_nothing_is_written() {
    let (caches, _clock) = here();
    let runs = Arc::new(AtomicU64::new(0));
    let write = async || {
        runs.fetch_add(1, SeqCst);
        Ok::<_, String>(())
    };
    caches
        .scope(async {
            let later = of(&caches, Strategy::WriteBehind);
            for (refused, words) in [
                (later.entry(1).update(1, write).await, "use `write_behind`"),
                (behind_entry(1).update(1, write).await, "use `write_behind`"),
                (
                    through_cache().entry(1).update(1, write).await,
                    "made by its companion",
                ),
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().contains(words), "{error}");
            }
        })
        .await;
    assert_eq!(runs.load(SeqCst), 0);
}

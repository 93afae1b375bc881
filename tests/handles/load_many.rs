//! `get_or_load_many`: each shape of a loader and of ids, one run for what nobody has, loads that are shared with single ones.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::{Arc, Mutex};

use cached_runtime::{Cache, Caches, Error, Mode, Strategy, cache, with_mode};
use cached_tests::{Gate, RedisServer, tier};
use tokio::sync::{Barrier, Notify};

use crate::setup::{MINUTE, built, caches, here};

#[derive(Debug, PartialEq)]
struct Opaque(u64);

fn numbers(caches: &Caches) -> Cache<u64> {
    built(caches, "numbers", |it| it.ttl(MINUTE))
}

/// Ten times as much, of what is less than 90.
fn tens(ids: &[u64]) -> HashMap<u64, u64> {
    let known = ids.iter().filter(|id| **id < 90);
    known.map(|id| (*id, id * 10)).collect()
}

#[tokio::test]
async fn a_loader_returns_pairs_in_any_form() {
    let (caches, _clock) = here();
    for _ in ["loaded", "kept"] {
        let numbers = numbers(&caches);
        let map: Result<Vec<Option<u64>>, Error> =
            numbers.get_or_load_many([1, 2], async |ids| tens(&ids)).await;
        assert_eq!(map.unwrap(), [Some(10), Some(20)]);
        let sorted = async |ids: Vec<u64>| BTreeMap::from_iter(tens(&ids));
        assert_eq!(numbers.get_or_load_many([3], sorted).await.unwrap(), [Some(30)]);
        let list = numbers
            .get_or_load_many(vec![4_u64], async |ids| {
                ids.into_iter().map(|id| (id, id * 10)).collect::<Vec<_>>()
            })
            .await;
        assert_eq!(list.unwrap(), [Some(40)]);
        let iterator =
            numbers.get_or_load_many(5..7_u64, async |ids| ids.into_iter().map(|id| (id, id * 10)));
        assert_eq!(iterator.await.unwrap(), [Some(50), Some(60)]);
        let ok: Result<Vec<Option<u64>>, Opaque> =
            numbers.get_or_load_many([7], async |ids| Ok(tens(&ids))).await;
        assert_eq!(ok, Ok(vec![Some(70)]));
        let failed = async |_| Err::<HashMap<u64, u64>, _>(Opaque(8));
        assert_eq!(numbers.get_or_load_many([8], failed).await, Err(Opaque(8)));
        let future = numbers.get_or_load_many([9], |ids| async move { tens(&ids) });
        assert_eq!(future.await.unwrap(), [Some(90)]);
        let stats = numbers.stats();
        assert_eq!(stats.loads - stats.failed_loads, 8);
    }
}

#[tokio::test]
async fn ids_are_what_keys_are_and_may_be_borrowed() {
    let (caches, _clock) = here();
    let lengths: Cache<usize> = built(&caches, "lengths", |it| it);
    let names = ["Ada".to_owned(), "Grace".to_owned()];
    for _ in ["loaded", "kept"] {
        // In the pairs as they are, and in their owned form.
        let owned = async |ids: Vec<&str>| -> HashMap<String, usize> {
            ids.into_iter().map(|id| (id.to_owned(), id.len())).collect()
        };
        let found = lengths.get_or_load_many(["Ada", "Bob"], owned).await.unwrap();
        assert_eq!(found, [Some(3), Some(3)]);
        let borrowed = async |ids: Vec<&String>| -> HashMap<String, usize> {
            ids.into_iter().map(|id| (id.clone(), id.len())).collect()
        };
        let found = lengths.get_or_load_many(&names, borrowed).await.unwrap();
        assert_eq!(found, [Some(3), Some(5)]);
        let same = lengths.get_or_load_many(&names, async |ids| ids.into_iter().map(|id| (id, id.len())));
        assert_eq!(same.await.unwrap(), [Some(3), Some(5)]);
        let pairs = lengths.get_or_load_many([("org", 7), ("org", 8)], async |ids| {
            ids.into_iter().map(|id| (id, id.1))
        });
        assert_eq!(pairs.await.unwrap(), [Some(7), Some(8)]);
    }
    assert_eq!(lengths.stats().loads, 5);
    assert_eq!(lengths.entry(("org", 7)).get().await.unwrap(), Some(7));
}

/// In generic code only what is declared counts.
async fn generic<T: 'static, E, F: Future<Output = Result<HashMap<u8, T>, E>>>(
    cache: &Cache<T>,
    load: impl FnMut(Vec<u8>) -> F,
) -> Result<Vec<Option<T>>, E> {
    cache.get_or_load_many([1, 2, 1], load).await
}

#[tokio::test]
async fn it_runs_once_for_what_nobody_has_in_the_order_in_which_it_came() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).none_ttl(MINUTE / 2));
    numbers.entry(2).insert(2).await.unwrap();
    let asked = Mutex::new(Vec::new());
    let ask = async |ids: &[u64]| {
        let loader = async |ids: Vec<u64>| {
            asked.lock().unwrap().push(ids.clone());
            tens(&ids)
        };
        let found = numbers
            .get_or_load_many(ids.iter().copied(), loader)
            .await
            .unwrap();
        (found, std::mem::take(&mut *asked.lock().unwrap()))
    };
    let found = vec![Some(50), Some(2), None, Some(10), Some(50), None];
    assert_eq!(
        ask(&[5, 2, 99, 1, 5, 99]).await,
        (found.clone(), vec![vec![5, 99, 1]])
    );
    assert_eq!(ask(&[5, 2, 99, 1, 5, 99]).await, (found, vec![]));
    assert_eq!(ask(&[]).await, (vec![], vec![]));
    // That there is none is kept for as long as it says.
    clock.advance(MINUTE * 3 / 4);
    assert_eq!(ask(&[1, 99]).await, (vec![Some(10), None], vec![vec![99]]));
    let found = generic(&numbers, async |ids| {
        Ok::<_, Opaque>(ids.into_iter().map(|id| (id, 7)).collect())
    });
    assert_eq!(found.await, Ok(vec![Some(10), Some(2), Some(10)]));
}

#[tokio::test]
async fn what_was_not_asked_for_is_nobodys() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let found = numbers.get_or_load_many([1], async |_| [(1, 1), (2, 2)]).await;
    assert_eq!(found.unwrap(), [Some(1)]);
    assert_eq!(numbers.entry(2).get().await.unwrap(), None);
}

#[tokio::test]
async fn single_loads_and_other_batches_are_waited_for_and_wait() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let (first, second) = (Gate::of(1), Gate::of(2));
    let asked = Mutex::new(Vec::new());
    let many = async |gate: &Gate, ids: &[u64]| {
        let loader = async |ids: Vec<u64>| {
            asked.lock().unwrap().push(ids.clone());
            gate.load().await;
            tens(&ids)
        };
        numbers
            .get_or_load_many(ids.iter().copied(), loader)
            .await
            .unwrap()
    };
    let single = async {
        let loaded = numbers.entry(1).get_or_load(async || first.load().await).await;
        loaded.unwrap()
    };
    let batch = async {
        first.begun().await;
        many(&second, &[1, 2, 3]).await
    };
    let others = async {
        second.begun().await;
        let load = async || -> u64 { panic!("it is under way") };
        let two = numbers.entry(2);
        let crossing = Gate::of(3);
        crossing.open();
        let calls = async { tokio::join!(many(&crossing, &[4, 3, 1]), two.get_or_load(load)) };
        let open = async {
            tokio::task::yield_now().await;
            second.open();
            tokio::task::yield_now().await;
            first.open();
        };
        let ((crossed, one), ()) = tokio::join!(calls, open);
        (crossed, one.unwrap())
    };
    let (single, batch, (crossed, one)) = tokio::join!(single, batch, others);
    assert_eq!((single, one), (1, 20));
    assert_eq!(batch, [Some(1), Some(20), Some(30)]);
    assert_eq!(crossed, [Some(40), Some(30), Some(1)]);
    assert_eq!(asked.into_inner().unwrap(), [vec![2, 3], vec![4]]);
    assert_eq!(numbers.stats().loads, 4);
}

/// Each leads what the other waits for.
#[tokio::test]
async fn two_batches_in_opposite_orders_end() {
    let (caches, _clock) = here();
    let (numbers, both) = (numbers(&caches), Barrier::new(2));
    let ask = async |ids: [u64; 3]| {
        let loader = async |ids: Vec<u64>| {
            both.wait().await;
            tens(&ids)
        };
        numbers.get_or_load_many(ids, loader).await.unwrap()
    };
    let (one, other) = tokio::join!(ask([1, 2, 3]), ask([4, 3, 2]));
    assert_eq!(one, [Some(10), Some(20), Some(30)]);
    assert_eq!(other, [Some(40), Some(30), Some(20)]);
    assert_eq!(numbers.stats().loads, 4);
}

/// A single load of 1 that fails, and a batch of 1 and 2 that waits for it.
async fn failing<T>(
    single: impl AsyncFn(&Cache<u64>, &Notify, &Notify),
    batch: impl AsyncFn(&Cache<u64>, &Mutex<Vec<Vec<u64>>>) -> T,
) -> (T, Vec<Vec<u64>>) {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let (begun, go, asked) = (Notify::new(), Notify::new(), Mutex::new(Vec::new()));
    let batch = async {
        begun.notified().await;
        let mut batch = Box::pin(batch(&numbers, &asked));
        let first = std::future::poll_fn(|context| std::task::Poll::Ready(batch.as_mut().poll(context)));
        assert!(first.await.is_pending());
        go.notify_one();
        batch.await
    };
    let ((), found) = tokio::join!(single(&numbers, &begun, &go), batch);
    (found, asked.into_inner().unwrap())
}

async fn fails(begun: &Notify, go: &Notify) -> Result<u64, String> {
    begun.notify_one();
    go.notified().await;
    Err("down".to_owned())
}

#[tokio::test]
async fn what_somebody_else_failed_to_load_is_loaded_by_a_second_run() {
    let (found, asked) = failing(
        async |numbers, begun, go| {
            let failed = numbers
                .entry(1)
                .get_or_load(async || fails(begun, go).await)
                .await;
            assert_eq!(failed, Err("down".to_owned()));
        },
        async |numbers, asked| {
            let loader = async |ids: Vec<u64>| {
                asked.lock().unwrap().push(ids.clone());
                Ok::<_, String>(tens(&ids))
            };
            numbers.get_or_load_many([1, 2], loader).await
        },
    )
    .await;
    assert_eq!(found, Ok(vec![Some(10), Some(20)]));
    assert_eq!(asked, [[2], [1]]);
}

#[tokio::test]
async fn an_error_is_shared_where_both_say_how() {
    let (found, asked) = failing(
        async |numbers, begun, go| {
            let loader = async || fails(begun, go).await;
            let failed = numbers.entry(1).get_or_load_with(String::clone, loader).await;
            assert_eq!(failed, Err("down".to_owned()));
        },
        async |numbers, asked| {
            let loader = async |ids: Vec<u64>| {
                asked.lock().unwrap().push(ids.clone());
                Ok(tens(&ids))
            };
            numbers.get_or_load_many_with(String::clone, [1, 2], loader).await
        },
    )
    .await;
    assert_eq!(found, Err("down".to_owned()));
    assert_eq!(asked, [[2]]);
}

#[tokio::test]
async fn one_that_fails_keeps_nothing_and_hands_its_error_on() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let (begun, go) = (Notify::new(), Notify::new());
    let batch = async {
        let loader = async |_| {
            begun.notify_one();
            go.notified().await;
            Err::<HashMap<u64, u64>, _>("down".to_owned())
        };
        numbers.get_or_load_many_with(String::clone, [1, 2], loader).await
    };
    let waits = async {
        begun.notified().await;
        let (one, two) = (numbers.entry(1), numbers.entry(2));
        let shared = one.get_or_load_with(String::clone, async || Ok(5));
        let own = two.get_or_load(async || Ok::<_, Opaque>(6));
        let open = async {
            tokio::task::yield_now().await;
            go.notify_one();
        };
        let (shared, own, ()) = tokio::join!(shared, own, open);
        (shared, own)
    };
    let (batch, (shared, own)) = tokio::join!(batch, waits);
    assert_eq!((batch, shared), (Err("down".to_owned()), Err("down".to_owned())));
    assert_eq!(own, Ok(6));
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [None, Some(6)]);
    assert_eq!(numbers.stats().failed_loads, 2);
}

#[tokio::test]
async fn one_that_is_dropped_or_panics_hands_over() {
    for panics in [false, true] {
        let (caches, _clock) = here();
        let (numbers, begun) = (numbers(&caches), Arc::new(Notify::new()));
        let (cache, tell) = (numbers.clone(), Arc::clone(&begun));
        let first = tokio::spawn(async move {
            let loader = async |_| {
                tell.notify_one();
                if panics {
                    tokio::task::yield_now().await;
                    panic!("a bug in a loader");
                }
                pending::<HashMap<u64, u64>>().await
            };
            cache.get_or_load_many([1, 2], loader).await
        });
        begun.notified().await;
        let second = numbers.get_or_load_many([2, 1], async |ids| tens(&ids));
        let drop = async {
            tokio::task::yield_now().await;
            if panics {
                assert!(first.await.unwrap_err().is_panic());
            } else {
                first.abort();
            }
        };
        let (found, ()) = tokio::join!(second, drop);
        assert_eq!(found.unwrap(), [Some(20), Some(10)]);
    }
}

#[tokio::test]
async fn modes() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let ask = async |add: u64| {
        let loader = async |ids: Vec<u64>| ids.into_iter().map(move |id| (id, id + add));
        numbers.get_or_load_many([1, 2, 1], loader).await
    };
    let of = |add: u64| [Some(1 + add), Some(2 + add), Some(1 + add)];
    assert_eq!(ask(10).await.unwrap(), of(10));
    assert_eq!(with_mode(Mode::Off, ask(20)).await.unwrap(), of(20));
    assert_eq!(ask(30).await.unwrap(), of(10));
    assert_eq!(with_mode(Mode::Refresh, ask(40)).await.unwrap(), of(40));
    assert_eq!(ask(50).await.unwrap(), of(40));
}

#[cache(key = "number:{id}", backend = "local")]
async fn number(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn for_a_function_it_loads_past_the_cache() {
    let (caches, _clock) = here();
    caches
        .scope(async {
            assert_eq!(number(1).await, 1);
            let of_function = number_cache();
            let found = of_function.get_or_load_many([1, 2, 1], async |ids| {
                assert_eq!(ids, [1, 2]);
                tens(&ids)
            });
            assert_eq!(found.await.unwrap(), [Some(10), Some(20), Some(10)]);
            assert_eq!((number(1).await, number_entry(2).get().await.unwrap()), (1, None));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_is_seen() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "behind many", |it| it.strategy(Strategy::WriteBehind));
    let written = numbers
        .entry(1)
        .write_behind(5, async || Ok::<_, String>(()))
        .await;
    written.unwrap().unwrap();
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [Some(5), None]);
    let found = numbers.get_or_load_many([1, 2], async |ids| tens(&ids)).await;
    assert_eq!(found.unwrap(), [Some(5), Some(20)]);
    // What waits is written first, and then removed like the rest.
    numbers.clear().await.unwrap();
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [None, None]);
    caches.settle().await;
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn through_redis_in_one_round_trip_and_among_threads() {
    let server = RedisServer::start().await;
    let (near, far) = (caches(&server).await, caches(&server).await);
    let ids = || 0..500_u64;
    let expected: Vec<_> = ids().map(|id| (id < 90).then_some(id * 10)).collect();
    let cache = numbers(&far);
    let mut calls = tokio::task::JoinSet::new();
    let runs = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..20 {
        let (cache, runs) = (cache.clone(), Arc::clone(&runs));
        calls.spawn(async move {
            let loader = async |ids: Vec<u64>| {
                runs.lock().unwrap().extend(&ids);
                tokio::task::yield_now().await;
                tens(&ids)
            };
            cache.get_or_load_many(ids(), loader).await.unwrap()
        });
    }
    for found in calls.join_all().await {
        assert_eq!(found, expected);
    }
    let mut known: Vec<u64> = runs
        .lock()
        .unwrap()
        .iter()
        .copied()
        .filter(|id| *id < 90)
        .collect();
    known.sort_unstable();
    assert_eq!(known, Vec::from_iter(0..90));
    // Another process finds what there is.
    let cache = numbers(&near);
    let found = cache.get_or_load_many(ids(), async |ids| {
        assert_eq!(ids, Vec::from_iter(90..500));
        tens(&ids)
    });
    assert_eq!(found.await.unwrap(), expected);
    assert_eq!(tier(&cache.stats(), "redis").hits, 90);
}

//! `get_or_load`: every shape of a loader, one load for all who ask, errors, panics, dropped callers.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cached_runtime::{Cache, Caches, Error, Mode, with_mode};
use cached_tests::{Gate, Source};
use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

use crate::setup::{MINUTE, built, here};

const CALLERS: usize = 1_000;

/// Not `Clone`, and made of nothing.
#[derive(Debug, PartialEq)]
struct Opaque(u64);

fn numbers(caches: &Caches) -> Cache<u64> {
    built(caches, "numbers", |it| it.ttl(MINUTE).none_ttl(MINUTE))
}

#[tokio::test]
async fn a_loader_returns_one_of_four_shapes() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let entry = |key: u64| numbers.entry(key);
    for _ in 0..2 {
        let plain: Result<u64, Error> = entry(1).get_or_load(async || 1).await;
        assert_eq!(plain.unwrap(), 1);
        let some: Result<Option<u64>, Error> = entry(2).get_or_load(async || Some(2)).await;
        let none: Result<Option<u64>, Error> = entry(3).get_or_load(async || None).await;
        assert_eq!((some.unwrap(), none.unwrap()), (Some(2), None));
        let ok: Result<u64, Opaque> = entry(4).get_or_load(|| async { Ok(4) }).await;
        let failed: Result<u64, Opaque> = entry(5).get_or_load(|| async { Err::<u64, _>(Opaque(5)) }).await;
        assert_eq!((ok, failed), (Ok(4), Err(Opaque(5))));
        let some: Result<Option<u64>, Opaque> = entry(6).get_or_load(async || Ok(Some(6))).await;
        let none: Result<Option<u64>, Opaque> = entry(7).get_or_load(async || Ok(None)).await;
        let failed: Result<Option<u64>, Opaque> = entry(8)
            .get_or_load(async || Err::<Option<u64>, _>(Opaque(8)))
            .await;
        assert_eq!((some, none, failed), (Ok(Some(6)), Ok(None), Err(Opaque(8))));
    }
    // Kept: all but the two that failed, twice.
    let stats = numbers.stats();
    assert_eq!((stats.loads, stats.failed_loads, stats.hits), (10, 4, 6));
    // A `None` that is kept, for a loader that cannot say so.
    assert_eq!(entry(3).get_or_load(async || 9).await.unwrap(), 9);
}

#[tokio::test]
async fn values_may_look_like_shapes() {
    let (caches, _clock) = here();
    let options: Cache<Option<u64>> = built(&caches, "options", |it| it);
    assert_eq!(
        options.entry(1).get_or_load(async || None::<u64>).await.unwrap(),
        None
    );
    assert_eq!(options.entry(1).get().await.unwrap(), Some(None));
    assert_eq!(
        options
            .entry(2)
            .get_or_load(async || None::<Option<u64>>)
            .await
            .unwrap(),
        None
    );
    assert_eq!(options.entry(2).get().await.unwrap(), None);
    let results: Cache<Result<u64, String>> = built(&caches, "results", |it| it);
    let failed: Result<Result<u64, String>, Error> = results
        .entry(1)
        .get_or_load(async || Err::<u64, _>("no".to_owned()))
        .await;
    assert_eq!(failed.unwrap(), Err("no".to_owned()));
    assert_eq!(results.entry(1).get().await.unwrap(), Some(Err("no".to_owned())));
    let shared: Cache<Arc<str>> = built(&caches, "shared", |it| it);
    let text: Arc<str> = shared
        .entry(1)
        .get_or_load(async || Arc::from("a"))
        .await
        .unwrap();
    let again = shared.entry(1).get().await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&text, &again));
}

/// In generic code only what is declared counts.
async fn generic<T, E>(cache: &Cache<T>, load: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
    cache.entry("generic").get_or_load(load).await
}

#[tokio::test]
async fn loaders_may_borrow_and_be_generic() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let (mut runs, text) = (0, "borrowed".to_owned());
    let load = async || {
        runs += 1;
        Ok::<_, Opaque>(text.len() as u64)
    };
    assert_eq!(generic(&numbers, load).await, Ok(8));
    assert_eq!(runs, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_load_once() {
    let (caches, _clock) = here();
    let gate = Arc::new(Gate::of(7));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (caches, gate) = (caches.clone(), Arc::clone(&gate));
        callers.spawn(async move {
            // Each builds the cache for itself.
            numbers(&caches)
                .entry(("org", 1))
                .get_or_load(async || gate.load().await)
                .await
                .unwrap()
        });
    }
    gate.begun().await;
    gate.open();
    assert!(callers.join_all().await.iter().all(|value| *value == 7));
    assert_eq!(gate.loads(), 1);
}

/// All callers of one key, of whom the first to come fails when all have come.
async fn failing<E: Send + 'static>(
    load: impl AsyncFn(Cache<u64>, Arc<Source>, Arc<Notify>) -> Result<u64, E>,
) -> (Vec<Result<u64, E>>, u64) {
    let (caches, _clock) = here();
    let (numbers, source, go) = (
        numbers(&caches),
        Arc::new(Source::default()),
        Arc::new(Notify::new()),
    );
    let local = tokio::task::LocalSet::new();
    let mut answers = Vec::new();
    let load = &load;
    local
        .run_until(async {
            let calls = (0..CALLERS).map(|_| load(numbers.clone(), Arc::clone(&source), Arc::clone(&go)));
            let mut calls: Vec<_> = calls.map(Box::pin).collect();
            // Everybody is on his way before the first load ends.
            for call in &mut calls {
                let first =
                    std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)));
                assert!(first.await.is_pending());
            }
            go.notify_one();
            for call in calls {
                go.notify_one();
                answers.push(call.await);
            }
        })
        .await;
    (answers, source.loads())
}

#[tokio::test]
async fn an_error_is_shared_where_it_is_said_how() {
    let (answers, loads) = failing(async |numbers, source, go| {
        let loader = async || {
            source.load();
            go.notified().await;
            Err::<u64, _>("down".to_owned())
        };
        numbers.entry(1).get_or_load_with(String::clone, loader).await
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == Err("down".to_owned())));
    assert_eq!(loads, 1);
}

#[tokio::test]
async fn whoever_ran_the_loader_has_its_own_error() {
    let (answers, loads) = failing(async |numbers, source, go| {
        let loader = async || {
            source.load();
            go.notified().await;
            Err::<u64, _>(Opaque(1))
        };
        let shared = |error: &Opaque| Opaque(error.0 + 1);
        numbers.entry(1).get_or_load_with(shared, loader).await
    })
    .await;
    let own = answers.iter().filter(|answer| **answer == Err(Opaque(1))).count();
    assert_eq!((own, answers.len(), loads), (1, CALLERS, 1));
}

#[tokio::test]
async fn without_that_those_who_waited_load_for_themselves_some_at_a_time() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (&running, &most);
    let (answers, loads) = failing(async |numbers, source, go| {
        let loader = async || {
            if source.load() == 0 && source.loads() == 1 {
                go.notified().await;
            }
            peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, SeqCst);
            Err::<u64, _>(Opaque(1))
        };
        numbers.entry(1).get_or_load(loader).await
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == Err(Opaque(1))));
    assert_eq!(loads, CALLERS as u64);
    assert!(most.load(SeqCst) <= 32, "{most:?}");
}

#[tokio::test]
async fn a_caller_that_is_dropped_or_panics_hands_over() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    for fall in [false, true] {
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entry, began, goes) = (numbers.entry(fall), Arc::clone(&begun), Arc::clone(&go));
        let first = tokio::spawn(async move {
            let loader = async || {
                began.notify_one();
                goes.notified().await;
                assert!(!fall, "as it was told");
                pending::<u64>().await
            };
            entry.get_or_load(loader).await.unwrap()
        });
        begun.notified().await;
        let entry = numbers.entry(fall);
        let second = tokio::spawn(async move { entry.get_or_load(async || 2).await.unwrap() });
        tokio::task::yield_now().await;
        go.notify_one();
        if !fall {
            first.abort();
        }
        assert_eq!(first.await.unwrap_err().is_panic(), fall);
        assert_eq!(second.await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_loader_that_asks_for_its_own_entry_is_not_waited_for() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let outer = async || {
        let inner = numbers.entry(1).get_or_load(async || 1).await.unwrap();
        inner + 1
    };
    assert_eq!(numbers.entry(1).get_or_load(outer).await.unwrap(), 2);
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(2));
    // The same if it asks before it is a future.
    let entry = numbers.entry(2);
    let early = || {
        let inner = entry.get_or_load(async || 3);
        async move { inner.await.unwrap() }
    };
    assert_eq!(entry.get_or_load(early).await.unwrap(), 3);
}

#[tokio::test]
async fn modes_count_for_calls_and_not_for_the_other_methods() {
    let (caches, _clock) = here();
    let (numbers, source) = (numbers(&caches), Source::of(1));
    let call = async |mode| {
        with_mode(mode, numbers.entry(1).get_or_load(async || source.load()))
            .await
            .unwrap()
    };
    assert_eq!(call(Mode::Off).await, 1);
    assert_eq!(numbers.entry(1).get().await.unwrap(), None);
    assert_eq!(call(Mode::Normal).await, 1);
    source.set(2);
    assert_eq!(call(Mode::Normal).await, 1);
    assert_eq!(call(Mode::Off).await, 2);
    assert_eq!(call(Mode::Normal).await, 1);
    assert_eq!(call(Mode::Refresh).await, 2);
    assert_eq!(call(Mode::Normal).await, 2);
    assert_eq!(
        with_mode(Mode::Off, numbers.entry(1).get()).await.unwrap(),
        Some(2)
    );
}

#[tokio::test]
async fn what_was_loaded_before_an_invalidation_is_not_kept() {
    let (caches, _clock) = here();
    let (numbers, gate) = (numbers(&caches), Gate::of(1));
    let entry = numbers.entry(1);
    for invalidate in 0..5 {
        let load = entry.get_or_load(async || gate.load().await);
        let removed = async {
            gate.begun().await;
            match invalidate {
                0 => entry.invalidate().await.unwrap(),
                1 => numbers.clear().await.unwrap(),
                2 => _ = numbers.invalidate_pattern("numbers:*").await.unwrap(),
                3 => caches.invalidate_key("numbers:1").await.unwrap(),
                _ => _ = caches.invalidate_pattern("num*").await.unwrap(),
            }
            // Whoever comes later does not wait for the load from before.
            let later = numbers
                .entry(1)
                .get_or_load(async || 10 + invalidate)
                .await
                .unwrap();
            gate.open();
            later
        };
        assert_eq!(
            tokio::join!(async { load.await.unwrap() }, removed),
            (1, 10 + invalidate)
        );
        assert_eq!(entry.get().await.unwrap(), Some(10 + invalidate));
        entry.invalidate().await.unwrap();
    }
}

#[tokio::test]
async fn a_put_outlives_a_load_that_began_before_it() {
    let (caches, _clock) = here();
    let (numbers, gate) = (numbers(&caches), Gate::of(1));
    let entry = numbers.entry(1);
    let put = async {
        gate.begun().await;
        entry.insert(2).await.unwrap();
        gate.open();
    };
    let (loaded, ()) = tokio::join!(entry.get_or_load(async || gate.load().await), put);
    assert_eq!((loaded.unwrap(), entry.get().await.unwrap()), (1, Some(2)));
}

/// Who cannot return that there is none has to load, and one does for all of them.
#[tokio::test]
async fn what_is_known_not_to_be_there_is_made_once() {
    let (caches, _clock) = here();
    let numbers = numbers(&caches);
    let entry = numbers.entry(1);
    assert_eq!(entry.get_or_load(async || None::<u64>).await.unwrap(), None);
    let made = AtomicUsize::new(0);
    let make = async || {
        yield_now().await;
        made.fetch_add(1, SeqCst) as u64 + 5
    };
    let all = tokio::join!(
        entry.get_or_load(make),
        entry.get_or_load(make),
        entry.get_or_load(make)
    );
    assert_eq!((all.0.unwrap(), all.1.unwrap(), all.2.unwrap()), (5, 5, 5));
    assert_eq!(entry.get().await.unwrap(), Some(5));
    assert_eq!(made.into_inner(), 1);
}

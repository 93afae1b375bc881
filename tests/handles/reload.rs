//! `refresh`, `refresh_at`, `stale` and `Strategy::RefreshAhead`: what is due is served, and loaded anew by a loader that can
//! run in the background.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cached_runtime::{Cache, CacheBuilder, Caches, Mode, Strategy, cache, with_mode};
use cached_tests::{Gate, RedisServer, Source};

use crate::setup::{MINUTE, built, caches, here};

const SECOND: Duration = Duration::from_secs(1);

async fn ask(cache: &Cache<u64>, source: &Arc<Source>) -> u64 {
    let source = Arc::clone(source);
    let entry = cache.entry(1);
    entry
        .get_or_reload(move || async move { source.load() })
        .await
        .unwrap()
}

/// Described, from when on a hit reloads it, and until when it is served.
type Way = (fn(CacheBuilder<u64>) -> CacheBuilder<u64>, u32, Option<u32>);

const WAYS: [Way; 8] = [
    (|it| it.refresh(10 * SECOND), 10, None),
    (|it| it.ttl(MINUTE).refresh(10 * SECOND), 10, Some(60)),
    (|it| it.ttl(MINUTE).refresh_at(0.25), 15, Some(60)),
    (
        |it| it.ttl_with(|_| MINUTE).strategy(Strategy::RefreshAhead),
        48,
        Some(60),
    ),
    (
        |it| it.ttl(MINUTE).strategy(Strategy::RefreshAhead).refresh_at(0.5),
        30,
        Some(60),
    ),
    (|it| it.ttl(MINUTE).stale(MINUTE), 60, Some(120)),
    (
        |it| it.ttl(MINUTE).refresh_at(0.25).single_flight(false),
        15,
        Some(60),
    ),
    (
        |it| it.ttl(MINUTE).refresh_at(0.25).backend(["moka"]),
        15,
        Some(60),
    ),
];

#[tokio::test]
async fn what_is_due_is_served_and_the_next_call_has_the_new_value() {
    for (number, (describe, due, gone)) in WAYS.into_iter().enumerate() {
        let ((caches, clock), source) = (here(), Arc::new(Source::of(1)));
        let numbers = built(&caches, "numbers", describe);
        assert_eq!(ask(&numbers, &source).await, 1);
        source.set(2);
        clock.advance((due - 1) * SECOND);
        assert_eq!(ask(&numbers, &source).await, 1);
        caches.settle().await;
        assert_eq!(source.loads(), 1, "{number}");
        clock.advance(SECOND);
        assert_eq!(ask(&numbers, &source).await, 1, "{number}");
        caches.settle().await;
        assert_eq!(source.loads(), 2, "{number}");
        assert_eq!(ask(&numbers, &source).await, 2);
        let stats = numbers.stats();
        assert_eq!((stats.reloads, stats.loads, stats.misses), (1, 2, 1));
        source.set(3);
        if let Some(gone) = gone {
            clock.advance(gone * SECOND);
            assert_eq!(ask(&numbers, &source).await, 3, "{number}");
        }
    }
}

#[tokio::test]
async fn a_loader_that_borrows_serves_what_is_due_and_reloads_nothing() {
    let ((caches, clock), source) = (here(), Arc::new(Source::of(1)));
    let numbers = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    ask(&numbers, &source).await;
    clock.advance(MINUTE);
    let loaded = numbers.entry(1).get_or_load(async || source.load()).await;
    assert_eq!(loaded.unwrap(), 1);
    caches.settle().await;
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn once_for_all_that_ask() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).refresh_at(0.5));
    let gate = Arc::new(Gate::of(2));
    numbers.entry(1).insert(1).await.unwrap();
    clock.advance(MINUTE / 2);
    for _ in 0..10 {
        let gate = Arc::clone(&gate);
        let entry = numbers.entry(1);
        // In tasks, as servers do.
        let asked = tokio::spawn(async move {
            entry
                .get_or_reload(move || async move { gate.load().await })
                .await
        });
        assert_eq!(asked.await.unwrap().unwrap(), 1);
    }
    gate.begun().await;
    gate.open();
    caches.settle().await;
    assert_eq!((gate.loads(), Arc::strong_count(&gate)), (1, 1));
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_miss_is_loaded_here_and_shared_with_every_other_way_to_ask() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).refresh_at(0.5));
    let gate = Arc::new(Gate::of(1));
    let (first, second) = (numbers.entry(1), numbers.entry(1));
    let held = Arc::clone(&gate);
    let (first, second, ()) = tokio::join!(
        first.get_or_reload(move || async move { Some(held.load().await) }),
        second.get_or_load(async || -> u64 { panic!("somebody loads") }),
        async {
            gate.begun().await;
            gate.open();
        }
    );
    assert_eq!((first.unwrap(), second.unwrap()), (Some(1), 1));
    assert_eq!(gate.loads(), 1);
}

#[tokio::test]
async fn every_form_of_answer() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    let entry = numbers.entry(1);
    assert_eq!(entry.get_or_reload(|| async { None::<u64> }).await.unwrap(), None);
    let error = entry.get_or_reload(|| async { Err::<u64, _>("no") }).await;
    assert_eq!(error, Err("no"));
    let error = entry
        .get_or_reload(|| async { Err::<Option<u64>, _>("no") })
        .await;
    assert_eq!(error, Err("no"));
    assert_eq!(
        entry.get_or_reload(|| async { Ok::<_, String>(Some(1)) }).await,
        Ok(Some(1))
    );
    assert_eq!(entry.get_or_reload(|| async { 9 }).await.unwrap(), 1);
    let fresh = with_mode(Mode::Refresh, entry.get_or_reload(|| async { 9 })).await;
    assert_eq!(fresh.unwrap(), 9);
    let past = with_mode(Mode::Off, entry.get_or_reload(|| async { 10 })).await;
    assert_eq!((past.unwrap(), entry.get().await.unwrap()), (10, Some(9)));
}

/// An error that cannot cross threads is made and taken apart in one place.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_ask_whatever_the_error_is() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    let entry = numbers.entry(1);
    let load = || async { Err::<u64, Box<dyn std::error::Error>>("no".into()) };
    let failed =
        tokio::spawn(async move { entry.get_or_reload(load).await.map_err(|error| error.to_string()) });
    assert_eq!(failed.await.unwrap(), Err("no".to_owned()));
}

#[tokio::test]
async fn an_error_is_shared_with_those_who_wait() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    let gate = Arc::new(Gate::of(1));
    let ask = || {
        let (gate, entry) = (Arc::clone(&gate), numbers.entry(1));
        async move {
            let load = move || async move { Err::<u64, _>(gate.load().await.to_string()) };
            entry.get_or_reload_with(String::clone, load).await
        }
    };
    let (first, second, ()) = tokio::join!(ask(), ask(), async {
        gate.begun().await;
        gate.open();
    });
    let error = Err("1".to_owned());
    assert_eq!((first, second, gate.loads()), (error.clone(), error, 1));
}

#[tokio::test]
async fn a_reload_that_fails_leaves_the_old_value_and_is_not_repeated_at_once() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    numbers.entry(1).insert(1).await.unwrap();
    clock.advance(MINUTE);
    for panics in [false, true] {
        let load = move || async move {
            assert!(!panics, "a bug in a loader");
            Err::<u64, _>("no")
        };
        assert_eq!(numbers.entry(1).get_or_reload(load).await, Ok(1));
        caches.settle().await;
        assert_eq!(numbers.entry(1).get().await.unwrap(), Some(1));
        clock.advance(11 * SECOND);
    }
    assert_eq!(numbers.stats().reloads, 2);
}

#[tokio::test]
async fn a_reload_that_an_invalidation_overtakes_is_not_kept() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    let gate = Arc::new(Gate::of(2));
    numbers.entry(1).insert(1).await.unwrap();
    clock.advance(MINUTE);
    let held = Arc::clone(&gate);
    let entry = numbers.entry(1);
    let served = entry.get_or_reload(move || async move { held.load().await });
    assert_eq!(served.await.unwrap(), 1);
    gate.begun().await;
    entry.invalidate().await.unwrap();
    gate.open();
    caches.settle().await;
    assert_eq!(numbers.entry(1).get().await.unwrap(), None);
}

/// Nowhere to run it: a hit is a hit.
#[test]
fn outside_of_a_runtime_nothing_is_begun() {
    let ((caches, clock), source) = (here(), Arc::new(Source::of(2)));
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).stale(MINUTE));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(numbers.entry(1).insert(1)).unwrap();
    clock.advance(MINUTE);
    let polled = pin!(ask(&numbers, &source)).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(1));
    assert_eq!(Arc::strong_count(&source), 1);
    // And nobody is kept from it later.
    runtime.block_on(async {
        ask(&numbers, &source).await;
        caches.settle().await;
    });
    assert_eq!(source.loads(), 1);
}

#[cache(key = "reloaded:{id}", ttl = "1m", refresh = "50%", backend = "local")]
async fn reloaded(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn an_entry_of_a_function_reloads_as_a_call_does() {
    let ((caches, clock), source) = (here(), Arc::new(Source::of(5)));
    caches
        .scope(async {
            assert_eq!(reloaded(1).await, 1);
            clock.advance(MINUTE / 2);
            let held = Arc::clone(&source);
            let load = move || async move {
                // What is in force here is in force there.
                held.load() + reloaded(2).await
            };
            assert_eq!(reloaded_entry(1).get_or_reload(load).await.unwrap(), 1);
            caches.settle().await;
            assert_eq!((reloaded(1).await, source.loads()), (7, 1));
            // A key that is of no call is no entry's.
            let astray = reloaded_cache().entry(1);
            assert_eq!(astray.get_or_reload(|| async { 3 }).await.unwrap(), 3);
        })
        .await;
    assert_eq!(caches.stats().caches.len(), 1);
}

#[tokio::test]
async fn what_only_redis_has_is_reloaded_too() {
    let server = RedisServer::start().await;
    let here: Caches = caches(&server).await;
    let source = Arc::new(Source::of(1));
    for chain in [&["redis"] as &[&str], &["local", "redis"]] {
        let of = |caches: &Caches| {
            let name = format!("numbers-{}", chain.len());
            built::<u64>(caches, &name, |it| {
                it.refresh(Duration::from_millis(40))
                    .backend(chain.iter().copied())
            })
        };
        source.set(1);
        ask(&of(&here), &source).await;
        source.set(2);
        // Another process, which has nothing in memory. The clock is the store's.
        let there = caches(&server).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        let before = source.loads();
        assert_eq!(ask(&of(&there), &source).await, 1);
        there.settle().await;
        assert_eq!(source.loads(), before + 1);
        assert_eq!(of(&there).entry(1).get().await.unwrap(), Some(2));
    }
}

//! Invalidations while Redis is down or silent: they return, and are delivered once it is back.

use std::time::{Duration, Instant};

use cached_runtime::{Caches, ErrorKind, cache, invalidate};
use cached_tests::RedisServer;
use tokio::time::{sleep, timeout};

use crate::setup::{Gate, Source, builder, caches};

const BUDGET: Duration = Duration::from_millis(250);

#[cache(key = "thing:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn thing(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[invalidate(thing(id))]
async fn change(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[invalidate(thing(id))]
async fn change_slowly(gate: &Gate, id: u64) -> u64 {
    let _ = id;
    gate.load().await
}

async fn with_entries(server: &RedisServer, source: &Source, ids: u64) -> Caches {
    let caches = builder(server).await.time_budget(BUDGET).build().unwrap();
    let patient = crate::setup::caches(server).await;
    for id in 0..ids {
        patient.scope(thing(source, id)).await;
        caches.scope(thing(source, id)).await;
    }
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, ids);
    caches
}

async fn exists(server: &RedisServer, id: u64) -> bool {
    server.cli::<u64>(&["EXISTS", &format!("shop:thing:{id}")]).await == 1
}

#[tokio::test]
async fn an_invalidation_of_a_silent_server_returns_and_is_delivered() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 3).await;
    server.pause();
    let begun = Instant::now();
    caches.scope(change(&source, 1, 2)).await;
    caches
        .scope(async { thing_entry(2).invalidate().await })
        .await
        .unwrap();
    assert!(begun.elapsed() < BUDGET * 4, "{:?}", begun.elapsed());
    let store = &caches.stats().stores[0];
    assert!(store.pending_removals && store.failures >= 2, "{store:?}");
    assert_eq!(caches.scope(thing(&source, 1)).await, 2);
    server.resume();
    timeout(Duration::from_secs(3), caches.settle()).await.unwrap();
    assert!(!caches.stats().stores[0].pending_removals);
    assert_eq!(
        [
            exists(&server, 0).await,
            exists(&server, 1).await,
            exists(&server, 2).await
        ],
        [true, false, false]
    );
    // The next process reads nothing old.
    assert_eq!(
        crate::setup::caches(&server).await.scope(thing(&source, 1)).await,
        2
    );
}

#[tokio::test]
async fn a_server_that_comes_back_with_its_data_has_the_entry_removed() {
    let mut server = RedisServer::setup()
        .option("appendonly yes")
        .option("appendfsync no")
        .start()
        .await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 4).await;
    server.stop();
    caches.scope(change(&source, 1, 2)).await;
    caches
        .scope(async { thing_entry(2).invalidate().await })
        .await
        .unwrap();
    caches.invalidate_key("thing:0").await.unwrap();
    assert!(caches.stats().stores[0].pending_removals);
    server.start_again().await;
    timeout(Duration::from_secs(2), caches.settle()).await.unwrap();
    let left: Vec<String> = server.cli(&["KEYS", "*"]).await;
    assert_eq!(
        left,
        ["shop:thing:3"],
        "the data came back, and what was removed went"
    );
    assert_eq!(caches.scope(thing(&source, 1)).await, 2);
    assert!(exists(&server, 1).await);
}

#[tokio::test]
async fn settling_waits_for_the_replay() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    server.pause();
    caches.scope(change(&source, 1, 2)).await;
    let resume = async {
        sleep(Duration::from_millis(700)).await;
        assert!(caches.stats().stores[0].pending_removals);
        server.resume();
    };
    let begun = Instant::now();
    tokio::join!(caches.settle(), resume);
    assert!(begun.elapsed() >= Duration::from_millis(700));
    assert!(!caches.stats().stores[0].pending_removals);
    assert!(!exists(&server, 1).await);
}

/// Its probes are nothing to wait for.
#[tokio::test]
async fn a_server_that_is_down_and_owed_nothing_holds_up_neither_settle_nor_shutdown() {
    let mut server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = crate::setup::caches(&server).await;
    server.stop();
    for id in 0..5 {
        caches.scope(thing(&source, id)).await;
    }
    assert!(caches.stats().stores[0].down);
    let begun = Instant::now();
    caches.settle().await;
    caches.shutdown().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_writer_that_is_dropped_in_its_invalidation_has_it_delivered() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    server.pause();
    let dropped = timeout(Duration::from_millis(20), caches.scope(change(&source, 1, 2))).await;
    assert!(dropped.is_err(), "the writer waits for the server");
    assert_eq!(source.load(), 2, "its body has run");
    assert_eq!(caches.scope(thing(&source, 1)).await, 2);
    server.resume();
    timeout(Duration::from_secs(3), caches.settle()).await.unwrap();
    assert!(!exists(&server, 1).await);
    assert!(exists(&server, 0).await);
}

#[tokio::test]
async fn a_writer_that_is_dropped_in_its_body_invalidates_all_the_same() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    let gate = Gate::of(0);
    server.pause();
    {
        let writer = caches.scope(change_slowly(&gate, 1));
        tokio::select! {
            _ = writer => unreachable!("the gate is shut"),
            () = gate.begun() => {}
        }
    }
    server.resume();
    source.set(2);
    caches.settle().await;
    assert!(!exists(&server, 1).await);
    assert_eq!(caches.scope(thing(&source, 1)).await, 2);

    // And with the server up all the time, and a panic.
    let caches = caches.clone();
    let writer = tokio::spawn(async move { caches.scope(change_and_panic(1)).await });
    assert!(writer.await.unwrap_err().is_panic());
    let deadline = Instant::now() + Duration::from_secs(2);
    while exists(&server, 1).await {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(5)).await;
    }
}

#[invalidate(thing(id))]
async fn change_and_panic(id: u64) {
    let _ = id;
    tokio::task::yield_now().await;
    panic!("as the test wants it");
}

#[tokio::test]
async fn a_put_that_does_not_arrive_is_replayed_as_a_removal() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    let entry = caches.scope(async { thing_entry(1) }).await;
    server.pause();
    assert_eq!(entry.insert(5).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(entry.get().await.unwrap(), Some(5), "memory has it all the same");
    server.resume();
    timeout(Duration::from_secs(3), caches.settle()).await.unwrap();
    assert!(!exists(&server, 1).await);
}

#[tokio::test]
async fn shutting_down_says_what_could_not_be_delivered() {
    let mut server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    server.stop();
    caches.scope(change(&source, 1, 2)).await;
    let begun = Instant::now();
    let error = caches.shutdown().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("redis"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert_eq!(caches.scope(thing(&source, 1)).await, 2);
    let error = caches
        .scope(async { thing_entry(1).invalidate().await })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    // Nothing goes on for ever after the end.
    timeout(Duration::from_secs(2), caches.settle())
        .await
        .expect("work goes on after the end");
}

#[tokio::test]
async fn shutting_down_delivers_what_it_can_first() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = with_entries(&server, &source, 2).await;
    server.pause();
    caches.scope(change(&source, 1, 2)).await;
    let resume = async {
        sleep(Duration::from_millis(300)).await;
        server.resume();
    };
    let (outcome, ()) = tokio::join!(caches.shutdown(), resume);
    outcome.unwrap();
    assert!(!exists(&server, 1).await);
}

#[tokio::test]
async fn shutting_down_an_idle_program_takes_no_time() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = caches(&server).await;
    caches.scope(thing(&source, 1)).await;
    let begun = Instant::now();
    caches.shutdown().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
}

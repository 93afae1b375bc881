//! A server that answers, and with nothing but errors: it is told once, with the reason, and not asked for every call where
//! it serves nobody.

use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{Caches, ErrorKind, Store, cache, update};
use cached_tests::{Heard, RedisServer};
use tokio::time::{sleep, timeout};

use crate::setup::{Source, on};

#[cache(key = "refused:{id}", ttl = "1h", backend = "redis", skip(source))]
async fn far(source: &Source, id: u64) -> u64 {
    let _ = id;
    source.load()
}

#[cache(
    key = "refused:put:{id}",
    strategy = "write_through",
    backend = "redis",
    skip(source)
)]
async fn put(source: &Source, id: u64) -> u64 {
    let _ = id;
    source.load()
}

#[update(put(id) = value)]
async fn set(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

const SOON: Duration = Duration::from_secs(3);
const TELLS: &str = "a store answers with errors";

async fn call(caches: &Caches, source: &Source) {
    for id in 0..20 {
        assert_eq!(caches.scope(far(source, id)).await, 7);
    }
}

/// Of which one thing is wrong with the URL.
async fn is_told_and_not_asked(url: String, reason: &str) {
    let heard = Heard::new();
    let store = Redis::connect_lazily(url).unwrap();
    let error = store.get("shop:a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    let caches = on(store).build().unwrap();
    let source = Source::of(7);
    call(&caches, &source).await;
    let stats = caches.stats();
    assert!(stats.stores[0].down, "{stats}");
    // Of twenty calls each of which would ask for the entry and then put it; and what the probes meet.
    assert!(stats.stores[0].failures <= 6, "{stats}");
    let told = heard.with(TELLS);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("WARN") && told[0].contains(reason),
        "{told:?}"
    );
    assert!(!told[0].contains("s3cret"), "{told:?}");
}

#[tokio::test]
async fn credentials_and_databases_that_are_refused() {
    let server = RedisServer::with_password("shop", "s3cretyes").await;
    let url = server.url();
    is_told_and_not_asked(url.replace("s3cretyes", "s3cretno"), "WRONGPASS").await;
    is_told_and_not_asked(url.replace("shop:s3cretyes@", ""), "NOAUTH").await;
    is_told_and_not_asked(format!("{url}/99"), "out of range").await;
}

/// A probe is answered, and nothing else: calls are tried again, and few of them.
#[tokio::test]
async fn a_user_that_may_do_nothing_and_is_given_the_right_to() {
    let server = RedisServer::start().await;
    let _: String = server
        .cli(&[
            "ACL", "SETUSER", "shop", "on", "nopass", "~*", "+ping", "+hello", "+client", "+info",
        ])
        .await;
    let heard = Heard::new();
    let url = format!("redis://shop:any@127.0.0.1:{}", server.port());
    let caches = on(Redis::connect_lazily(url).unwrap()).build().unwrap();
    let source = Source::of(7);
    call(&caches, &source).await;
    sleep(Duration::from_millis(200)).await;
    call(&caches, &source).await;
    let stats = caches.stats();
    assert!(stats.stores[0].failures <= 20, "{stats}");
    let told = heard.with(TELLS);
    assert!(
        told[0].contains("NOPERM") || told[0].contains("permission"),
        "{told:?}"
    );
    assert!(told.len() <= 2, "{told:?}");
    let _: String = server.cli(&["ACL", "SETUSER", "shop", "+@all"]).await;
    timeout(SOON, async {
        while server.cli::<u64>(&["DBSIZE"]).await == 0 {
            call(&caches, &source).await;
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert!(!caches.stats().stores[0].down);
}

/// What one command or one key meets is no reason to give the whole store up: hits are served.
#[tokio::test]
async fn a_replica_and_a_full_server_serve_their_hits_and_what_they_refuse_is_told_once() {
    let server = RedisServer::start().await;
    let caches = on(Redis::connect(server.url()).await.unwrap()).build().unwrap();
    let source = Source::of(7);
    caches.scope(far(&source, 0)).await;
    for (words, undo, reason) in [
        (
            ["REPLICAOF", "127.0.0.1", "1"],
            ["REPLICAOF", "NO", "ONE"],
            "read only replica",
        ),
        (
            ["CONFIG", "SET", "maxmemory"],
            ["CONFIG", "SET", "maxmemory"],
            "OOM",
        ),
    ] {
        let heard = Heard::new();
        let with = |words: [&'static str; 3], last: &'static str| {
            let mut words = words.to_vec();
            if words[0] == "CONFIG" {
                words.push(last);
            }
            words
        };
        let _: String = server.cli(&with(words, "1")).await;
        for id in 0..20 {
            caches.scope(set(&source, id, 7)).await;
        }
        assert_eq!(caches.scope(put(&source, 1)).await, 7);
        call(&caches, &source).await;
        let loads = source.loads();
        caches.scope(far(&source, 0)).await;
        assert_eq!(source.loads(), loads, "{reason}: a hit");
        for words in [TELLS, "a store did not take a new value"] {
            let told = heard.with(words);
            assert!((1..=3).contains(&told.len()), "{told:#?}");
            assert!(told.iter().any(|line| line.contains(reason)), "{told:#?}");
        }
        let _: String = server.cli(&with(undo, "0")).await;
        timeout(SOON, caches.settle()).await.unwrap();
    }
}

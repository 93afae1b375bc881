//! Memcached cannot find keys by pattern: whole caches by name are voided, and patterns are refused where they could mean one.

use cached_runtime::stores::Memcached;
use cached_runtime::{Cache, Caches, ErrorKind, invalidate};
use cached_tests::MemcachedServer;

use crate::setup::{MINUTE, built, refused};

/// Nobody calls it; it may remove entries of a cache of this name.
#[invalidate(pattern = "by-pattern:{id}:*")]
async fn _change(id: u64) {}

async fn caches(server: &MemcachedServer, namespace: &str) -> Caches {
    let store = Memcached::connect([server.address()]).await.unwrap();
    Caches::builder()
        .namespace(namespace)
        .store("memcached", store)
        .build()
        .unwrap()
}

fn numbers(caches: &Caches, name: &str) -> Cache<u64> {
    built(caches, name, |it| it.ttl(MINUTE).backend(["memcached"]))
}

#[tokio::test]
async fn a_whole_cache_is_voided_and_no_other() {
    let server = MemcachedServer::start().await;
    for namespace in ["", "shop"] {
        let (here, there) = (caches(&server, namespace).await, caches(&server, namespace).await);
        let (a, b) = (numbers(&here, "a"), numbers(&here, "b"));
        for cache in [&a, &b] {
            cache.entry(1).insert(1).await.unwrap();
        }
        numbers(&there, "a").clear().await.unwrap();
        assert_eq!(
            (a.entry(1).get().await.unwrap(), b.entry(1).get().await.unwrap()),
            (None, Some(1))
        );
        a.entry(1).insert(2).await.unwrap();
        assert_eq!(
            numbers(&there, "a").get_many([1, 2]).await.unwrap(),
            [Some(2), None]
        );
        // Everything: without a namespace, what this `Caches` knows of.
        let _ = numbers(&there, "b");
        there.clear().await.unwrap();
        assert_eq!(
            (a.entry(1).get().await.unwrap(), b.entry(1).get().await.unwrap()),
            (None, None)
        );
    }
}

#[tokio::test]
async fn a_pattern_that_could_mean_it_is_refused() {
    let server = MemcachedServer::start().await;
    let caches = caches(&server, "shop").await;
    let lines = refused::<u64>(caches.cache("by-pattern:1").backend(["memcached"]).build());
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("`_change`") && lines[0].contains("`memcached` cannot find keys"),
        "{lines:#?}"
    );

    numbers(&caches, "a").entry(1).insert(1).await.unwrap();
    let unsupported = caches.invalidate_pattern("a:*").await.unwrap_err();
    assert_eq!(unsupported.kind(), ErrorKind::Unsupported);
    let unsupported = numbers(&caches, "a").invalidate_pattern("*").await.unwrap_err();
    assert_eq!(unsupported.kind(), ErrorKind::Unsupported);
    // What it means is in memory alone.
    let near: Cache<u64> = caches.cache("near").build_in_memory().unwrap();
    near.entry(1).insert(1).await.unwrap();
    assert_eq!(caches.invalidate_pattern("near:*").await.unwrap(), 1);
}

//! Code of the user's that panics wherever it is called.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{ErrorKind, KeyPart, KeyWriter, Mode, Written, cache, invalidate, with_mode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::must_end;
use crate::odd::{Act, Odd};

/// Runs to its end in a task of its own: whether it panicked.
async fn panics(work: impl Future) -> bool {
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(|_| false),
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await
}

#[cache(backend = ["local", "odd"], key = "p1:{id}", skip(runs))]
async fn plain(runs: &AtomicU64, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    id
}

/// Whatever a store does, callers get the body's result.
#[tokio::test]
async fn a_store_that_panics_is_a_store_that_fails() {
    for bad in [
        "get",
        "fill",
        "reserve",
        "put",
        "remove",
        "remove_matching",
        "ping",
        "remaining",
    ] {
        let odd = Odd::new();
        let runs = AtomicU64::new(0);
        let caches = odd.caches();
        odd.script(move |operation, _| if operation == bad { Act::Panic } else { Act::Serve });
        caches
            .scope(must_end(async {
                for id in 0..5 {
                    assert_eq!(plain(&runs, id).await, id, "{bad}");
                    assert_eq!(with_mode(Mode::Refresh, plain(&runs, id)).await, id);
                    let _ = plain_entry(id).insert(id).await;
                    plain_entry(id).invalidate().await.unwrap();
                    let _ = plain_entry(id).remaining_ttl().await;
                }
                let _ = plain_cache().clear().await;
            }))
            .await;
        odd.script(|_, _| Act::Serve);
        must_end(caches.settle()).await;
        caches
            .scope(must_end(async {
                plain_entry(1).invalidate().await.unwrap();
                // It serves again.
                tokio::time::sleep(Duration::from_millis(600)).await;
                assert_eq!(plain(&runs, 1).await, 1);
                assert!(odd.bytes("p1:1").is_some(), "{bad}");
            }))
            .await;
    }
}

static BAD: AtomicBool = AtomicBool::new(false);

/// Panics in its serde while `BAD`, and whenever it is read from something odd.
#[derive(Clone, Debug, PartialEq)]
struct Touchy(u64);

impl Serialize for Touchy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!BAD.load(SeqCst), "cannot be written");
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = u64::deserialize(deserializer)?;
        assert!(!BAD.load(SeqCst), "cannot be read");
        assert!(id > 1_000, "whoever wrote this was wrong");
        Ok(Self(id))
    }
}

#[cache(backend = "odd", key = "p2:{id}")]
async fn touchy(id: u64) -> Touchy {
    Touchy(id)
}

#[tokio::test]
async fn a_value_whose_serde_panics_is_a_value_that_cannot_be_kept() {
    let odd = Odd::new();
    odd.caches()
        .scope(must_end(async {
            // Its shape cannot be heard: made-up numbers are small.
            assert_eq!(touchy(2_000).await, Touchy(2_000));
            assert!(odd.bytes("p2:2000").is_some());
            assert_eq!(touchy(2_000).await, Touchy(2_000));
            assert_eq!(touchy_cache().stats().hits, 1);
            BAD.store(true, SeqCst);
            assert_eq!(touchy(2_000).await, Touchy(2_000));
            assert_eq!(touchy(3_000).await, Touchy(3_000));
            let error = touchy_entry(2_000).insert(Touchy(2_000)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode);
            BAD.store(false, SeqCst);
            // The insertion that failed has left nothing old behind.
            assert_eq!(touchy_entry(2_000).get().await.unwrap(), None);
            assert_eq!(touchy(3_000).await, Touchy(3_000));
        }))
        .await;
}

/// Cannot be written at times, and says so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Unwilling(u64);

impl Serialize for Unwilling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 13 {
            return Err(serde::ser::Error::custom("not thirteen"));
        }
        self.0.serialize(serializer)
    }
}

#[cache(backend = ["local", "odd"], key = "p3:{id}")]
async fn unwilling(id: u64) -> Unwilling {
    Unwilling(id)
}

#[tokio::test]
async fn a_put_that_cannot_be_written_leaves_nothing_old() {
    let odd = Odd::new();
    odd.caches()
        .scope(must_end(async {
            unwilling(1).await;
            assert!(odd.bytes("p3:1").is_some());
            let error = unwilling_entry(1).insert(Unwilling(13)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode);
            assert_ne!(unwilling_entry(1).get().await.unwrap(), Some(Unwilling(1)));
            assert!(odd.bytes("p3:1").is_none());
        }))
        .await;
}

/// Panics when it becomes part of a key.
struct Unkeyable;

impl KeyPart for Unkeyable {
    fn write(&self, _: KeyWriter<'_>) -> Written {
        panic!("no key");
    }
}

#[cache(backend = ["local", "odd"], key = "p4:{id}")]
async fn users(id: u64) -> u64 {
    id
}

#[cache(backend = "local")]
async fn unkeyable(key: Unkeyable) -> u64 {
    let _ = key;
    1
}

/// The name of what it has written comes from a value that has none.
#[invalidate(users(output.unwrap()))]
async fn write_unnamed(id: u64) -> Option<Option<u64>> {
    let _ = id;
    Some(None)
}

#[tokio::test]
async fn a_writer_whose_key_panics_removes_all_it_may_have_meant() {
    let odd = Odd::new();
    let caches = odd.caches();
    caches
        .scope(must_end(async {
            assert!(panics(unkeyable(Unkeyable)).await);
            users(1).await;
            users(2).await;
            assert!(panics(write_unnamed(1)).await);
            assert_eq!(users_entry(1).get().await.unwrap(), None);
            caches.settle().await;
            assert!(odd.bytes("p4:1").is_none() && odd.bytes("p4:2").is_none());
        }))
        .await;
}

static CLOSURES: AtomicBool = AtomicBool::new(false);

fn bad() -> bool {
    CLOSURES.load(SeqCst)
}

#[cache(
    backend = "local",
    key = "p5:{id}",
    ttl = |_| { assert!(!bad()); Duration::from_secs(9) },
)]
async fn with_ttl(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id
}

#[cache(backend = "local", key = "p6:{id}", cache_if = |_| { assert!(!bad()); true })]
async fn with_cache_if(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id
}

#[cache(backend = "local", key = "p7:{id}", max_bytes = 100, weight = |_, _| { assert!(!bad()); 1 })]
async fn with_weight(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id
}

#[derive(Clone)]
struct Plain;

#[derive(Debug)]
struct Fails;

#[cache(backend = "local", key = "p8:{id}", share_error = |_| { assert!(!bad()); Fails })]
async fn with_share_error(id: u64) -> Result<Plain, Fails> {
    tokio::task::yield_now().await;
    if bad() || id == 0 { Err(Fails) } else { Ok(Plain) }
}

struct Fragile;

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!bad());
        Self
    }
}

#[cache(backend = "local", key = "p9:{id}")]
async fn fragile(id: u64) -> Fragile {
    let _ = id;
    tokio::task::yield_now().await;
    Fragile
}

/// Nobody waits forever, and afterwards all is as if nothing had happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closures_that_panic_hurt_their_callers_alone() {
    let caches = Odd::new().caches();
    CLOSURES.store(true, SeqCst);
    for round in 0..20 {
        let id = round % 3;
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let caches = caches.clone();
                tokio::spawn(caches.scope(async move {
                    let _ = panics(with_ttl(id)).await;
                    let _ = panics(with_cache_if(id)).await;
                    let _ = panics(with_weight(id)).await;
                    let _ = panics(with_share_error(id)).await;
                    let _ = panics(fragile(id)).await;
                }))
            })
            .collect();
        for call in calls {
            must_end(call).await.unwrap();
        }
    }
    CLOSURES.store(false, SeqCst);
    caches
        .scope(must_end(async {
            for id in 0..3 {
                assert_eq!(with_ttl(id).await, id);
                assert_eq!(with_cache_if(id).await, id);
                assert_eq!(with_weight(id).await, id);
                assert_eq!(with_share_error(id).await.is_ok(), id != 0);
                let _ = fragile(id).await;
                assert_eq!(with_ttl_entry(id).get().await.unwrap(), Some(id));
            }
        }))
        .await;
}

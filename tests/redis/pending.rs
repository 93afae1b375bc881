//! Removals that the store does not take: queued, heeded by this process, and delivered later. The store here is a
//! Redis that is deaf to removals alone, so that one can see what is read meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{BoxFuture, Caches, Error, ErrorKind, cache};
use cached_tests::RedisServer;
use tokio::time::{sleep, timeout};

use crate::hooked::Hooked;
use crate::setup::{Source, caches, connect, on};

#[cache(key = "item:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn item(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "item:{_id}:price", ttl = "1h", backend = "redis", skip(source))]
async fn price(source: &Source, _id: u64) -> u64 {
    source.load()
}

/// Two entries in Redis, read through a store that has gone deaf.
struct Scene {
    server: RedisServer,
    caches: Caches,
    deaf: Arc<AtomicBool>,
    source: Source,
}

impl Scene {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        let deaf = Arc::new(AtomicBool::new(false));
        let ear = Arc::clone(&deaf);
        let hears = move || -> BoxFuture<'static, Result<(), Error>> {
            let outcome = if ear.load(SeqCst) {
                Err(Error::new(ErrorKind::Unavailable, "it does not hear"))
            } else {
                Ok(())
            };
            Box::pin(std::future::ready(outcome))
        };
        let store = Hooked::new(connect(&server).await, hears);
        let caches = on(store).build().unwrap();
        let source = Source::of(1);
        for id in 1..=2 {
            caches.scope(item(&source, id)).await;
            caches.scope(price(&source, id)).await;
        }
        source.set(2);
        deaf.store(true, SeqCst);
        Self {
            server,
            caches,
            deaf,
            source,
        }
    }

    async fn item(&self, id: u64) -> u64 {
        self.caches.scope(item(&self.source, id)).await
    }

    async fn price(&self, id: u64) -> u64 {
        self.caches.scope(price(&self.source, id)).await
    }

    fn is_pending(&self) -> bool {
        self.caches.stats().stores[0].pending_removals
    }

    async fn hear_again(&self) {
        self.deaf.store(false, SeqCst);
        timeout(Duration::from_secs(2), self.caches.settle())
            .await
            .unwrap();
        assert!(!self.is_pending());
    }
}

#[tokio::test]
async fn an_entry_that_could_not_be_removed_is_not_read_until_it_is() {
    let scene = Scene::new().await;
    let entry = scene.caches.scope(async { item_entry(1) }).await;
    entry.invalidate().await.unwrap();
    assert!(scene.is_pending());
    for _ in 0..3 {
        assert_eq!(
            scene.item(1).await,
            2,
            "the source, since Redis still has what was removed"
        );
        assert_eq!(entry.get().await.unwrap(), None);
        assert_eq!(entry.remaining_ttl().await.unwrap(), None);
        assert_eq!(scene.item(2).await, 1, "the other entries are read");
        assert_eq!(scene.price(1).await, 1);
    }
    let there = scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await;
    assert_eq!(there, 1, "else this shows nothing");
    // Another process knows nothing of it, as is written down.
    assert_eq!(caches(&scene.server).await.scope(item(&scene.source, 1)).await, 1);

    scene.hear_again().await;
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await, 0);
    scene.source.set(3);
    assert_eq!(scene.item(1).await, 3);
    scene.source.set(4);
    assert_eq!(scene.item(1).await, 3);
    assert_eq!(scene.item(2).await, 1);
}

#[tokio::test]
async fn a_put_over_a_removal_that_is_pending_is_refused() {
    let scene = Scene::new().await;
    let entry = scene.caches.scope(async { item_entry(1) }).await;
    entry.invalidate().await.unwrap();
    assert_eq!(entry.insert(9).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(scene.item(1).await, 2);
    scene.hear_again().await;
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await, 0);
    entry.insert(9).await.unwrap();
    assert_eq!(scene.item(1).await, 9);
}

#[tokio::test]
async fn a_key_by_text_is_queued_too() {
    let scene = Scene::new().await;
    scene.caches.invalidate_key("item:1").await.unwrap();
    assert_eq!((scene.item(1).await, scene.item(2).await), (2, 1));
    scene.hear_again().await;
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await, 0);
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:2"]).await, 1);
}

#[tokio::test]
async fn a_pattern_is_queued_as_a_pattern() {
    let scene = Scene::new().await;
    let _: String = scene.server.cli(&["SET", "elsewhere:item:1", "x"]).await;
    assert_eq!(scene.caches.invalidate_pattern("item:?").await.unwrap(), 0);
    assert_eq!((scene.item(1).await, scene.item(2).await), (2, 2));
    assert_eq!((scene.price(1).await, scene.price(2).await), (1, 1));
    scene.hear_again().await;
    assert_eq!((scene.price(1).await, scene.price(2).await), (1, 1));
    assert_eq!(
        scene
            .server
            .cli::<u64>(&["EXISTS", "shop:item:1", "shop:item:2"])
            .await,
        0
    );
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "elsewhere:item:1"]).await, 1);
}

/// The glob that finds a function's keys finds those of others too; neither the wait nor the replay may be about them.
#[tokio::test]
async fn clearing_one_cache_by_replay_leaves_the_others() {
    let scene = Scene::new().await;
    let _: String = scene.server.cli(&["SET", "shop:item:1:foreign", "x"]).await;
    scene
        .caches
        .scope(async { item_cache().clear().await })
        .await
        .unwrap();
    assert_eq!((scene.item(1).await, scene.item(2).await), (2, 2));
    scene.hear_again().await;
    assert_eq!(
        scene
            .server
            .cli::<u64>(&["EXISTS", "shop:item:1", "shop:item:2"])
            .await,
        0
    );
    assert_eq!(
        scene.server.cli::<u64>(&["EXISTS", "shop:item:1:foreign"]).await,
        1
    );
    assert_eq!((scene.price(1).await, scene.price(2).await), (1, 1));
}

#[tokio::test]
async fn a_pattern_of_one_cache_by_replay_leaves_the_others() {
    let scene = Scene::new().await;
    let cleared = scene
        .caches
        .scope(async { item_cache().invalidate_pattern("item:1*").await })
        .await;
    assert_eq!(cleared.unwrap(), 0);
    assert_eq!((scene.item(1).await, scene.item(2).await), (2, 1));
    scene.hear_again().await;
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await, 0);
    assert_eq!((scene.price(1).await, scene.price(2).await), (1, 1));
}

#[tokio::test]
async fn clearing_everything_is_queued_and_stays_in_the_namespace() {
    let scene = Scene::new().await;
    let _: String = scene.server.cli(&["SET", "elsewhere:item:1", "x"]).await;
    scene.caches.clear().await.unwrap();
    assert_eq!((scene.item(1).await, scene.price(2).await), (2, 2));
    scene.hear_again().await;
    assert_eq!(
        scene.server.cli::<Vec<String>>(&["KEYS", "*"]).await,
        ["elsewhere:item:1"]
    );
}

/// More than are kept one by one: they become one removal of everything that is this program's.
#[tokio::test]
async fn very_many_removals_end_in_one_and_none_is_forgotten() {
    let scene = Scene::new().await;
    let _: String = scene.server.cli(&["SET", "elsewhere:item:1", "x"]).await;
    scene
        .caches
        .scope(async { item_entry(1).invalidate().await })
        .await
        .unwrap();
    for id in 0..100_100 {
        scene
            .caches
            .invalidate_key(&format!("absent:{id}"))
            .await
            .unwrap();
    }
    assert_eq!(scene.item(1).await, 2);
    scene.hear_again().await;
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "shop:item:1"]).await, 0);
    assert_eq!(scene.server.cli::<u64>(&["EXISTS", "elsewhere:item:1"]).await, 1);
}

#[tokio::test]
async fn what_is_removed_again_during_its_replay_is_removed_again() {
    let scene = Scene::new().await;
    for round in 0..20 {
        scene.deaf.store(true, SeqCst);
        scene
            .caches
            .scope(async { item_entry(1).invalidate().await })
            .await
            .unwrap();
        scene.deaf.store(false, SeqCst);
        sleep(Duration::from_millis(fastrand::u64(0..60))).await;
        scene.source.set(100 + round);
        scene
            .caches
            .scope(async { item_entry(1).invalidate().await })
            .await
            .unwrap();
        assert_eq!(scene.item(1).await, 100 + round);
        scene.caches.settle().await;
        assert!(!scene.is_pending());
        assert_eq!(scene.item(1).await, 100 + round);
    }
}

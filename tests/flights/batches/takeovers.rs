//! Leaders that go away, and bodies that come back to what they are about.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cached_runtime::cache;

use super::{Shop, all, doubled, settle};
use crate::crowd::{caches, crowd, ends, fall_over};

#[cache(backend = "local", skip(shop))]
async fn one(shop: &Shop, id: u64) -> u64 {
    shop.one(id).await;
    id * 2
}

#[cache(entries(one(id) for id in ids), skip(shop))]
async fn many(shop: &Shop, ids: &[u64]) -> HashMap<u64, u64> {
    shop.many(ids).await;
    doubled(ids)
}

#[cache(entries(one(id) for id in ids), skip(shop))]
async fn falling(shop: &Shop, ids: &[u64]) -> HashMap<u64, u64> {
    shop.many(ids).await;
    fall_over()
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_dropped_hands_every_key_over() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let leader = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, &[1, 2, 3]).await }
    });
    shop.begun().await;
    let singles = crowd(&caches, 100, |caller| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, caller as u64 % 2 + 1).await }
    });
    settle().await;
    leader[0].abort();
    shop.let_through(2);
    assert_eq!(all(singles).await, [2, 4].repeat(50));
    let mut alone = shop.alone();
    alone.sort_unstable();
    assert_eq!(alone, [1, 2]);
    // Of the third nothing is left behind.
    shop.let_through(1);
    caches.scope(async { assert_eq!(one(&shop, 3).await, 6) }).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_panics_hands_over_to_another() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let leader = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { falling(&shop, &[1, 2, 3]).await }
    });
    shop.begun().await;
    let followers = crowd(&caches, 10, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, &[3, 2, 1]).await }
    });
    settle().await;
    shop.let_through(10);
    assert_eq!(ends(leader).await.panicked, [0]);
    assert_eq!(all(followers).await, vec![doubled(&[1, 2, 3]); 10]);
    let stats = caches.scope(async { one_cache().stats() }).await;
    assert_eq!((stats.loads, stats.failed_loads), (6, 3));
    let mut ids = shop.runs()[1..].concat();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
}

/// A batch that has a body to run takes no turn from those who have nothing else to do.
#[tokio::test(start_paused = true)]
async fn a_busy_batch_stands_in_nobodys_way() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let leader = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, 1).await }
    });
    shop.begun().await;
    // Waits first, so that it would be asked first.
    let busy = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, &[1, 2]).await }
    });
    shop.begun().await;
    let idle = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, 1).await }
    });
    settle().await;
    leader[0].abort();
    // The body that begins is the idle caller's: the batch is still in its own.
    settle().await;
    assert_eq!((shop.alone(), shop.runs()), (vec![1, 1], vec![vec![2]]));
    shop.let_through(2);
    assert_eq!(all(idle).await, [2]);
    assert_eq!(all(busy).await, [doubled(&[1, 2])]);
}

/// The same for one that was woken to lead, while its other turns are on offer.
#[tokio::test(start_paused = true)]
async fn a_batch_that_has_taken_a_turn_passes_the_next_on() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let leaders = crowd(&caches, 2, |caller| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, caller as u64 + 1).await }
    });
    settle().await;
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, &[1, 2]).await }
    });
    settle().await;
    leaders[0].abort();
    settle().await;
    assert_eq!(shop.runs(), [[1]]);
    let idle = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, 2).await }
    });
    settle().await;
    leaders[1].abort();
    settle().await;
    assert_eq!((shop.alone(), shop.runs().len()), (vec![1, 2, 2], 1));
    shop.let_through(2);
    assert_eq!(all(idle).await, [4]);
    assert_eq!(all(batch).await, [doubled(&[1, 2])]);
    assert_eq!(shop.runs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_and_is_dropped_passes_its_turn_on() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let leader = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, 1).await }
    });
    shop.begun().await;
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, &[1]).await }
    });
    settle().await;
    let idle = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, 1).await }
    });
    settle().await;
    leader[0].abort();
    batch[0].abort();
    shop.let_through(1);
    assert_eq!(all(idle).await, [2]);
}

static DEPTH: AtomicUsize = AtomicUsize::new(0);

#[cache(backend = "local")]
async fn inner(id: u64) -> u64 {
    DEPTH.fetch_add(1, SeqCst);
    id * 2
}

/// Asks for its own ids one by one, and then for all of them at once.
#[cache(entries(inner(id) for id in ids), skip(again))]
async fn outer(again: bool, ids: &[u64]) -> HashMap<u64, u64> {
    tokio::task::yield_now().await;
    let mut map = HashMap::new();
    for id in ids {
        map.insert(*id, inner(*id).await);
    }
    if again {
        let same = Box::pin(outer(false, ids)).await;
        assert_eq!(same, map);
    }
    map
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_back_to_its_own_ids_runs_past_the_cache() {
    let caches = caches();
    caches
        .scope(async {
            let call = outer(true, &[1, 2, 3]);
            let map = tokio::time::timeout(std::time::Duration::from_secs(9), call).await;
            assert_eq!(map.unwrap(), doubled(&[1, 2, 3]));
            assert_eq!(DEPTH.load(SeqCst), 6);
            assert_eq!(inner(2).await, 4);
            assert_eq!(DEPTH.load(SeqCst), 6);
        })
        .await;
}

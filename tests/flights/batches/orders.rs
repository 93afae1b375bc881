//! Every order in which a batch and others can meet.

use std::collections::HashMap;
use std::sync::Arc;

use cached_runtime::{Mode, cache, with_mode};
use tokio::time::Instant;

use super::{Shop, all, doubled, settle};
use crate::crowd::{caches, crowd};

#[cache(backend = "local", none_ttl = "1m", skip(shop))]
async fn found(shop: &Shop, id: u64) -> Option<u64> {
    shop.one(id).await;
    (id != 13).then_some(id * 2)
}

#[cache(entries(found(id) for id in ids), skip(shop))]
async fn founds(shop: &Shop, ids: &[u64]) -> HashMap<u64, u64> {
    shop.many(ids).await;
    let mut found = doubled(ids);
    found.remove(&13);
    found
}

#[cache(backend = "local", skip(shop))]
async fn plain(shop: &Shop, id: u64) -> u64 {
    shop.one(id).await;
    id * 2
}

/// Knows nothing of 13, which `plain` does.
#[cache(entries(plain(id) for id in ids), skip(shop))]
async fn plains(shop: &Shop, ids: &[u64]) -> HashMap<u64, u64> {
    shop.many(ids).await;
    let mut found = doubled(ids);
    found.remove(&13);
    found
}

#[cache(backend = "local", single_flight = "off", skip(shop))]
async fn unshared(shop: &Shop, id: u64) -> u64 {
    shop.one(id).await;
    id * 2
}

#[cache(entries(unshared(id) for id in ids), skip(shop))]
async fn unshareds(shop: &Shop, ids: &[u64]) -> HashMap<u64, u64> {
    shop.many(ids).await;
    doubled(ids)
}

#[tokio::test(start_paused = true)]
async fn single_calls_and_batches_follow_a_batch() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let first = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[1, 2, 13]).await }
    });
    shop.begun().await;
    let singles = crowd(&caches, 300, |caller| {
        let shop = Arc::clone(&shop);
        async move { found(&shop, [1, 2, 13][caller % 3]).await }
    });
    let batches = crowd(&caches, 100, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[13, 2, 1]).await }
    });
    settle().await;
    shop.let_through(1);
    let map = doubled(&[1, 2]);
    assert_eq!(all(first).await, std::slice::from_ref(&map));
    let answers = [Some(2), Some(4), None].repeat(100);
    assert_eq!(all(singles).await, answers);
    assert_eq!(all(batches).await, vec![map.clone(); 100]);
    assert_eq!((shop.runs(), shop.alone()), (vec![vec![1, 2, 13]], vec![]));
    let stats = caches.scope(async { found_cache().stats() }).await;
    assert_eq!((stats.loads, stats.hits, stats.misses), (3, 0, 3 + 300 + 300));
    // And from now on all of it is there, also that there is none.
    caches
        .scope(async {
            assert_eq!(founds(&shop, &[13, 1]).await, doubled(&[1]));
            assert_eq!(found(&shop, 13).await, None);
        })
        .await;
    assert_eq!(shop.runs().len(), 1);
}

/// What it leads it loads at once; only then it waits.
#[tokio::test(start_paused = true)]
async fn a_batch_loads_what_it_leads_before_it_waits() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let single = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { found(&shop, 1).await }
    });
    shop.begun().await;
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[1, 2, 3]).await }
    });
    shop.begun().await;
    let crossed = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[3, 4, 1, 2]).await }
    });
    shop.begun().await;
    assert_eq!(shop.runs(), [vec![2, 3], vec![4]]);
    shop.let_through(3);
    assert_eq!(all(single).await, [Some(2)]);
    assert_eq!(all(batch).await, [doubled(&[1, 2, 3])]);
    assert_eq!(all(crossed).await, [doubled(&[1, 2, 3, 4])]);
    assert_eq!((shop.runs().len(), shop.alone()), (2, vec![1]));
}

/// A function that must return a value loads it, once for all who find nothing to return.
#[tokio::test(start_paused = true)]
async fn an_absence_is_no_answer_to_who_cannot_return_it() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { plains(&shop, &[1, 13]).await }
    });
    shop.begun().await;
    let singles = crowd(&caches, 100, |_| {
        let shop = Arc::clone(&shop);
        async move { plain(&shop, 13).await }
    });
    let batches = crowd(&caches, 10, |_| {
        let shop = Arc::clone(&shop);
        async move { plains(&shop, &[13]).await }
    });
    settle().await;
    shop.let_through(2);
    assert_eq!(all(batch).await, [doubled(&[1])]);
    assert_eq!(all(singles).await, vec![26; 100]);
    assert_eq!(shop.alone(), [13]);
    // Those saw one or the other.
    for map in all(batches).await {
        assert!(map.is_empty() || map == doubled(&[13]), "{map:?}");
    }
    assert_eq!(shop.runs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_flights_everybody_loads() {
    let (caches, shop) = (caches(), Arc::new(Shop::open()));
    let batches = crowd(&caches, 3, |_| {
        let shop = Arc::clone(&shop);
        async move { unshareds(&shop, &[1, 2]).await }
    });
    assert_eq!(all(batches).await, vec![doubled(&[1, 2]); 3]);
    caches
        .scope(async {
            assert_eq!(unshared(&shop, 1).await, 2);
            assert_eq!(unshareds(&shop, &[1, 2, 3]).await, doubled(&[1, 2, 3]));
        })
        .await;
    assert_eq!(shop.alone(), [0; 0]);
    assert_eq!(shop.runs().last(), Some(&vec![3]));
}

#[tokio::test(start_paused = true)]
async fn modes() {
    let (caches, shop) = (caches(), Shop::open());
    caches
        .scope(async {
            assert_eq!(founds(&shop, &[1, 13]).await, doubled(&[1]));
            // All of them anew, each once, and what was there is replaced.
            let fresh = with_mode(Mode::Refresh, founds(&shop, &[2, 1, 2])).await;
            assert_eq!(fresh, doubled(&[1, 2]));
            assert_eq!(shop.runs().last(), Some(&vec![2, 1]));
            assert_eq!(found(&shop, 2).await, Some(4));
            assert_eq!(shop.alone(), [0; 0]);
            // As if there was no cache.
            let past = with_mode(Mode::Off, founds(&shop, &[3, 1, 3])).await;
            assert_eq!(past, doubled(&[1, 3]));
            assert_eq!(shop.runs().last(), Some(&vec![3, 1, 3]));
            assert_eq!(found(&shop, 3).await, Some(6));
            assert_eq!(shop.alone(), [3]);
            assert_eq!(with_mode(Mode::Refresh, founds(&shop, &[])).await, doubled(&[]));
        })
        .await;
}

/// An invalidation that returns while the body runs: what it brings is for those who waited, and for nobody after.
#[tokio::test(start_paused = true)]
async fn what_was_read_before_an_invalidation_is_not_kept() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[1, 2]).await }
    });
    shop.begun().await;
    caches
        .scope(async { found_entry(1).invalidate().await.unwrap() })
        .await;
    let late = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { founds(&shop, &[2, 1]).await }
    });
    shop.begun().await;
    assert_eq!(shop.runs(), [vec![1, 2], vec![1]]);
    shop.let_through(1);
    assert_eq!(all(batch).await, [doubled(&[1, 2])]);
    caches
        .scope(async {
            assert_eq!(found_entry(1).get().await.unwrap(), None);
            assert_eq!(found_entry(2).get().await.unwrap(), Some(4));
        })
        .await;
    shop.let_through(1);
    assert_eq!(all(late).await, [doubled(&[1, 2])]);
}

#[tokio::test]
async fn a_hundred_thousand_ids() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let ids: Arc<Vec<u64>> = Arc::new((0..100_000).collect());
    let begun = Instant::now();
    let batches = crowd(&caches, 3, |_| {
        let (shop, ids) = (Arc::clone(&shop), Arc::clone(&ids));
        async move { founds(&shop, &ids).await.len() }
    });
    shop.begun().await;
    // The others have run as far as they can.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    shop.let_through(1);
    assert_eq!(all(batches).await, [99_999; 3]);
    assert_eq!(shop.runs().len(), 1);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// The followed are told one by one, each by another: who waits for all looks at each of them a few times only.
#[tokio::test(start_paused = true)]
async fn waiting_for_many_is_linear() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let singles = crowd(&caches, 10_000, |caller| {
        let shop = Arc::clone(&shop);
        async move { found(&shop, caller as u64 + 100).await }
    });
    settle().await;
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        let ids: Vec<u64> = (100..10_100).collect();
        async move { founds(&shop, &ids).await.len() }
    });
    settle().await;
    for _ in 0..10_000 {
        shop.let_through(1);
        tokio::task::yield_now().await;
    }
    assert_eq!(all(batch).await, [10_000]);
    assert_eq!(all(singles).await.len(), 10_000);
    assert_eq!(shop.runs().len(), 0);
}

//! Whose error reaches whom.

use std::collections::HashMap;
use std::sync::Arc;

use cached_runtime::cache;

use super::{Shop, all, doubled, settle};
use crate::crowd::{caches, crowd};

#[derive(Debug, Clone, PartialEq)]
struct Refused(&'static str);

/// Can be made in no other way.
#[derive(Debug, PartialEq)]
struct Unshared;

#[cache(backend = "local", skip(shop, fails))]
async fn one(shop: &Shop, fails: bool, id: u64) -> Result<u64, Refused> {
    shop.one(id).await;
    if fails { Err(Refused("one")) } else { Ok(id * 2) }
}

#[cache(entries(one(id) for id in ids), skip(shop, fails))]
async fn many(shop: &Shop, fails: bool, ids: &[u64]) -> Result<HashMap<u64, u64>, Refused> {
    shop.many(ids).await;
    if fails {
        Err(Refused("many"))
    } else {
        Ok(doubled(ids))
    }
}

#[cache(entries(one(id) for id in ids), skip(shop, fails))]
async fn others(shop: &Shop, fails: bool, ids: &[u64]) -> Result<HashMap<u64, u64>, Unshared> {
    shop.many(ids).await;
    if fails { Err(Unshared) } else { Ok(doubled(ids)) }
}

#[cache(entries(one(id) for id in ids), skip(shop))]
async fn sure(shop: &Shop, ids: Vec<u64>) -> HashMap<u64, u64> {
    shop.many(&ids).await;
    doubled(&ids)
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_same_type_is_shared_and_nothing_is_kept() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, true, &[1, 2]).await }
    });
    shop.begun().await;
    let singles = crowd(&caches, 100, |caller| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, false, caller as u64 % 2 + 1).await }
    });
    let batches = crowd(&caches, 10, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, false, &[2]).await }
    });
    settle().await;
    shop.let_through(1);
    assert_eq!(all(batch).await, [Err(Refused("many"))]);
    assert_eq!(all(singles).await, vec![Err(Refused("many")); 100]);
    assert_eq!(all(batches).await, vec![Err(Refused("many")); 10]);
    assert_eq!((shop.runs().len(), shop.alone().len()), (1, 0));
    let stats = caches.scope(async { one_cache().stats() }).await;
    assert_eq!((stats.loads, stats.failed_loads, stats.entries), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_another_type_leaves_the_load_to_one_of_those_who_waited() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { others(&shop, true, &[1, 2, 3]).await }
    });
    shop.begun().await;
    let singles = crowd(&caches, 200, |caller| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, false, caller as u64 % 2 + 1).await }
    });
    settle().await;
    shop.let_through(3);
    assert_eq!(all(batch).await, [Err(Unshared)]);
    for (caller, answer) in all(singles).await.into_iter().enumerate() {
        assert_eq!(answer, Ok(caller as u64 % 2 * 2 + 2));
    }
    let mut alone = shop.alone();
    alone.sort_unstable();
    assert_eq!(alone, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_gets_the_error_of_a_load_that_it_waited_for() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let single = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, true, 1).await }
    });
    shop.begun().await;
    let batch = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, false, &[1, 2]).await }
    });
    settle().await;
    // The batch first: what it has loaded stays.
    assert_eq!(shop.runs(), [[2]]);
    shop.let_through(2);
    assert_eq!(all(single).await, [Err(Refused("one"))]);
    assert_eq!(all(batch).await, [Err(Refused("one"))]);
    assert_eq!(shop.runs().len(), 1);
    caches
        .scope(async { assert_eq!(one_entry(2).get().await.unwrap(), Some(4)) })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_return_an_error_loads_those_ids_itself() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let singles = crowd(&caches, 2, |caller| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, true, caller as u64 + 1).await }
    });
    settle().await;
    let batches = crowd(&caches, 20, |caller| {
        let shop = Arc::clone(&shop);
        async move {
            if caller % 2 == 0 {
                sure(&shop, vec![1, 2, 3]).await
            } else {
                others(&shop, false, &[2, 1]).await.unwrap()
            }
        }
    });
    settle().await;
    assert_eq!(shop.runs(), [[3]]);
    shop.let_through(10);
    assert_eq!(all(singles).await, vec![Err(Refused("one")); 2]);
    for (caller, map) in all(batches).await.into_iter().enumerate() {
        let expected = if caller % 2 == 0 {
            doubled(&[1, 2, 3])
        } else {
            doubled(&[1, 2])
        };
        assert_eq!(map, expected);
    }
    // Each of them once more, by one of the batches.
    let mut again: Vec<u64> = shop.runs().concat();
    again.sort_unstable();
    assert_eq!(again, [1, 2, 3]);
}

/// However often a batch of another error fails and is called again: those who waited for it get their turn.
#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_again_and_again_holds_nobody_up() {
    let (caches, shop) = (caches(), Arc::new(Shop::open()));
    let failing = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move {
            loop {
                let _ = others(&shop, true, &[1]).await;
                tokio::task::yield_now().await;
            }
        }
    });
    let singles = crowd(&caches, 100, |_| {
        let shop = Arc::clone(&shop);
        async move { one(&shop, false, 1).await }
    });
    assert_eq!(all(singles).await, vec![Ok(2); 100]);
    failing.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Can be made, and means nothing to the batches above.
#[derive(Debug, Clone, PartialEq)]
struct Foreign;

#[cache(entries(one(id) for id in ids), skip(shop))]
async fn foreign(shop: &Shop, ids: &[u64]) -> Result<HashMap<u64, u64>, Foreign> {
    shop.many(ids).await;
    Err(Foreign)
}

/// Both are told of at once: the one that is of use first, and then the one that is not.
#[tokio::test(start_paused = true)]
async fn an_error_that_is_of_use_is_not_lost_over_one_that_is_none() {
    let (caches, shop) = (caches(), Arc::new(Shop::default()));
    let own = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, true, &[1]).await }
    });
    shop.begun().await;
    let other = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { foreign(&shop, &[2]).await }
    });
    shop.begun().await;
    let both = crowd(&caches, 1, |_| {
        let shop = Arc::clone(&shop);
        async move { many(&shop, false, &[1, 2]).await }
    });
    settle().await;
    shop.let_through(2);
    assert_eq!(all(own).await, [Err(Refused("many"))]);
    assert_eq!(all(other).await, [Err(Foreign)]);
    shop.let_through(10);
    assert_eq!(all(both).await, [Err(Refused("many"))]);
    assert_eq!(shop.runs(), [vec![1], vec![2]]);
}

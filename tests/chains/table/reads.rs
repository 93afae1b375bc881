//! A read that misses and reads that hit.

use cached_tests::tier;

use super::Row;
use super::place::Place;

/// Those who miss together share one load, which fills every tier.
pub(crate) async fn read_miss<R: Row>() {
    let place = Place::<R>::new().await;
    place.rows.set(1, 10);
    assert_eq!(place.held(1).await, place.everywhere(None));
    assert_eq!(place.read_together(1).await, [Ok(10), Ok(10)]);
    if !R::EXPECTED.later {
        assert_eq!(place.held(1).await, place.everywhere(Some(10)));
    }
    place.caches.settle().await;
    assert_eq!(place.held(1).await, place.everywhere(Some(10)));
    assert_eq!(place.rows.reads(), 1);
    let stats = place.stats().await;
    assert_eq!((stats.misses, stats.loads, stats.failed_loads), (2, 1, 0));
    // Whoever comes later finds it in the stores, if there are any.
    assert_eq!(place.read_elsewhere(1).await, Ok(10));
    assert_eq!(place.rows.reads(), 1 + u64::from(place.stores().is_empty()));
    assert_eq!(place.rows.written(), []);
}

/// In memory, in a store, and late in the entry's life.
pub(crate) async fn read_hit<R: Row>() {
    let place = Place::<R>::new().await;
    place.fill(1, 10).await;
    // Somebody else writes, of whom the cache is not told.
    place.rows.set(1, 11);
    let before = place.stats().await;
    assert_eq!(place.read(1).await, Ok(10));
    place.caches.settle().await;
    let stats = place.stats().await;
    let hits = tier(&stats, "local").hits - tier(&before, "local").hits;
    assert_eq!((hits, stats.loads, place.rows.reads()), (1, 1, 1));
    assert_eq!(place.held(1).await, place.everywhere(Some(10)));
    if let Some(fastest) = place.stores().first() {
        hit_below(&place, fastest).await;
    }

    place.age(1).await;
    assert_eq!(place.read(1).await, Ok(10));
    place.caches.settle().await;
    let (now, held) = if R::EXPECTED.reloads {
        (11, place.everywhere(Some(11)))
    } else {
        (10, place.apart(Some(10), None))
    };
    assert_eq!(place.held(1).await, held);
    let reads = 1 + u64::from(R::EXPECTED.reloads);
    assert_eq!((place.read(1).await, place.rows.reads()), (Ok(now), reads));
    place.caches.settle().await;
    assert_eq!(place.rows.reads(), reads);
    assert_eq!(place.rows.written(), []);
}

/// By a process that has nothing in memory, until it has.
async fn hit_below<R: Row>(place: &Place<R>, store: &str) {
    let neighbour = place.neighbour().await;
    for tier_hit in [store, "local"] {
        assert_eq!(neighbour.scope(R::read(&place.rows, 1)).await, Ok(10));
        neighbour.settle().await;
        let stats = neighbour.scope(async { R::stats() }).await;
        assert_eq!(tier(&stats, tier_hit).hits, 1, "{tier_hit}");
    }
    assert_eq!(place.rows.reads(), 1);
}

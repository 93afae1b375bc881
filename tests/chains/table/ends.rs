//! A program that ends.

use std::cell::Cell;

use cached_runtime::ErrorKind;

use super::place::Place;
use super::source::REFUSED;
use super::{Expected, Row};

/// With a read under way, and whatever the strategy leaves to the background.
pub(crate) async fn shutdown<R: Row>() {
    let place = Place::<R>::new().await;
    let Expected { puts, later, reloads } = R::EXPECTED;
    place.fill(1, 10).await;
    for id in [2, 3, 4] {
        place.rows.set(id, 10 * id);
    }
    if later {
        place.rows.shut();
    }
    assert_eq!(place.write(2, 21).await, Ok(()));
    assert_eq!(place.write(3, 31).await, Ok(()));
    assert_eq!(place.rows.written().is_empty(), later);
    place.rows.shut();
    let mut bodies = if later { 2 } else { 0 };
    if reloads {
        place.rows.set(1, 11);
        place.age(1).await;
        assert_eq!(place.read(1).await, Ok(10));
        bodies += 1;
        place.rows.are_waiting(bodies).await;
    }
    let ended = Cell::new(false);
    let end = async {
        place.caches.shutdown().await.unwrap();
        ended.set(true);
    };
    let open = async {
        place.rows.are_waiting(bodies + 1).await;
        assert!(
            bodies == 0 || !ended.get(),
            "it does not wait for what is pending"
        );
        place.rows.open();
    };
    let ((), read, ()) = tokio::join!(end, place.read(4), open);
    assert_eq!(read, Ok(40));

    // Nothing that was begun is lost.
    assert_eq!(place.rows.written(), [(2, 21), (3, 31)]);
    let stats = place.stats().await;
    assert_eq!((stats.pending_writes, stats.failed_writes), (0, 0));
    let first = if reloads { 11 } else { 10 };
    let stores = |value: Option<u64>| place.everywhere(value).split_off(1);
    assert_eq!(place.below(1).await, stores(Some(first)));
    for (id, value) in [(2, 21), (3, 31)] {
        assert_eq!(place.rows.row(id), value);
        assert_eq!(place.below(id).await, stores(puts.then_some(value)));
        assert_eq!(place.read_elsewhere(id).await, Ok(value));
    }

    // Memory serves on, and writers write at once.
    let reads = place.rows.reads();
    assert_eq!(place.read(1).await, Ok(first));
    assert_eq!(place.rows.reads(), reads);
    for (id, value) in [(1, 12), (2, 22)] {
        assert_eq!(place.write(id, value).await, Ok(()));
        assert_eq!(place.rows.row(id), value);
        assert_eq!(place.read(id).await, Ok(value));
        assert_eq!(place.read(id).await, Ok(value));
    }
    assert_eq!(place.rows.reads(), reads + if puts { 0 } else { 2 });
    // The stores are closed, so others may read what they had, for as long as it lives; the statistics tell of it.
    assert_eq!(place.below(2).await, stores(Some(21)));
    for store in place.caches.stats().stores {
        let told = place.stores().contains(&&*store.name);
        assert_eq!(store.pending_removals, told, "{store:?}");
    }
    place.rows.refuse(true);
    assert_eq!(place.write(3, 32).await, Err(REFUSED.to_owned()));
    place.rows.refuse(false);
    assert_eq!((place.rows.row(3), place.read(3).await), (31, Ok(31)));
    let look = place.caches.scope(R::look(1)).await;
    assert_eq!(look.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(place.told(), []);
}

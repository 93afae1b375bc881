//! A write that the source takes, and one that it refuses.

use super::place::Place;
use super::source::REFUSED;
use super::{Expected, Row};

/// Of an entry that is there and of one that is not.
pub(crate) async fn write<R: Row>() {
    let place = Place::<R>::new().await;
    let Expected { puts, later, .. } = R::EXPECTED;
    place.fill(1, 10).await;
    place.rows.set(2, 20);
    if later {
        place.rows.shut();
    }
    for (id, value) in [(1, 11), (2, 21)] {
        assert_eq!(place.write(id, value).await, Ok(()));
        if later {
            // The caches are ahead of the source, and so are all who read.
            assert_eq!(place.rows.row(id), value - 1);
            assert_eq!(place.below(id).await, place.everywhere(Some(value))[1..]);
            assert_eq!(place.read(id).await, Ok(value));
        } else {
            assert_eq!(place.rows.row(id), value);
        }
    }
    place.rows.open();
    place.caches.settle().await;
    assert_eq!(place.rows.written(), [(1, 11), (2, 21)]);
    let reads = place.rows.reads();
    assert_eq!(reads, 1);
    for (id, value) in [(1, 11), (2, 21)] {
        assert_eq!(place.rows.row(id), value);
        assert_eq!(place.held(id).await, place.everywhere(puts.then_some(value)));
        assert_eq!(place.read(id).await, Ok(value));
        place.caches.settle().await;
        assert_eq!(place.held(id).await, place.everywhere(Some(value)));
    }
    let reads = reads + if puts { 0 } else { 2 };
    assert_eq!(place.rows.reads(), reads);
    for (id, value) in [(1, 11), (2, 21)] {
        assert_eq!(place.read_elsewhere(id).await, Ok(value));
    }
    let own = if place.stores().is_empty() { 2 } else { 0 };
    assert_eq!(place.rows.reads(), reads + own);
    assert_eq!(place.told(), []);
}

/// Nobody is shown what the source has not taken; a writer that has returned already has it told to the program.
pub(crate) async fn write_failure<R: Row>() {
    let place = Place::<R>::new().await;
    let Expected { puts, later, .. } = R::EXPECTED;
    place.fill(1, 10).await;
    place.rows.refuse(true);
    if later {
        place.rows.shut();
        assert_eq!(place.write(1, 11).await, Ok(()));
        assert_eq!(place.read(1).await, Ok(11));
        place.rows.open();
    } else {
        assert_eq!(place.write(1, 11).await, Err(REFUSED.to_owned()));
    }
    place.caches.settle().await;
    place.rows.refuse(false);
    assert_eq!((place.rows.row(1), place.rows.written()), (10, vec![]));
    let (key, stats) = place.caches.scope(async { (R::key(1), R::stats()) }).await;
    let told = [(key, 1, REFUSED.to_owned())];
    assert_eq!(place.told(), told[..usize::from(later)]);
    assert_eq!((stats.failed_writes, stats.pending_writes), (u64::from(later), 0));
    // What was put is removed; what was to be put has left no trace.
    let held = place.everywhere((!later).then_some(10));
    assert_eq!(place.held(1).await, held);
    assert_eq!(place.read(1).await, Ok(10));
    assert_eq!(place.read_elsewhere(1).await, Ok(10));
    // The next one is none the worse for it.
    assert_eq!(place.write(1, 12).await, Ok(()));
    place.caches.settle().await;
    assert_eq!((place.rows.row(1), place.rows.written()), (12, vec![(1, 12)]));
    assert_eq!(place.held(1).await, place.everywhere(puts.then_some(12)));
    assert_eq!(place.read(1).await, Ok(12));
    assert_eq!(place.read_elsewhere(1).await, Ok(12));
    assert_eq!(place.told().len(), usize::from(later));
}

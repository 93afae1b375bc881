//! Reads that the source refuses, and stores that go away and come back.

use std::time::Duration;

use super::Row;
use super::place::Place;
use super::source::REFUSED;

/// On a miss, and where a hit loads anew.
pub(crate) async fn source_failure<R: Row>() {
    let place = Place::<R>::new().await;
    let reloads = u64::from(R::EXPECTED.reloads);
    place.rows.set(1, 10);
    place.rows.refuse(true);
    let refused = || Err(REFUSED.to_owned());
    assert_eq!(place.read_together(1).await, [refused(), refused()]);
    place.caches.settle().await;
    assert_eq!(place.rows.reads(), 1);
    assert_eq!(place.held(1).await, place.everywhere(None));
    // Which is not kept.
    place.rows.refuse(false);
    place.fill(1, 10).await;
    assert_eq!(place.rows.reads(), 2);

    place.rows.set(1, 11);
    place.rows.refuse(true);
    place.age(1).await;
    assert_eq!(place.read(1).await, Ok(10));
    place.caches.settle().await;
    assert_eq!(place.rows.reads(), 2 + reloads);
    let stats = place.stats().await;
    assert_eq!((stats.failed_loads, stats.reloads), (1 + reloads, reloads));
    // What is there stays there.
    assert_eq!(place.held(1).await, place.apart(Some(10), None));
    place.rows.refuse(false);
    // It is tried again after ten times as long as it took.
    place.clock.advance(Duration::from_secs(19));
    assert_eq!(place.read(1).await, Ok(10));
    place.caches.settle().await;
    let held = if R::EXPECTED.reloads {
        place.everywhere(Some(11))
    } else {
        place.apart(Some(10), None)
    };
    assert_eq!(place.held(1).await, held);
    assert_eq!(place.rows.reads(), 2 + 2 * reloads);
    assert_eq!(place.rows.written(), []);
}

/// Each store of the chain in turn. Where memory is alone, no server is there from the beginning, and nobody asks.
pub(crate) async fn store_failure<R: Row>() {
    let place = Place::<R>::new().await;
    if place.stores().is_empty() {
        without(&place, None, 0).await;
        late_hit_without(&place, None, 3).await;
        for store in place.caches.stats().stores {
            assert_eq!(store.failures, 0, "{store:?}");
        }
    }
    for (index, store) in (0..).zip(place.stores()) {
        without(&place, Some(store), 10 * index).await;
        late_hit_without(&place, Some(store), 10 * index + 3).await;
    }
}

async fn without<R: Row>(place: &Place<R>, lost: Option<&'static str>, first: u64) {
    let [kept, missing, changed] = [first, first + 1, first + 2];
    place.fill(kept, 10).await;
    place.rows.set(missing, 20);
    place.fill(changed, 30).await;
    let reads = place.rows.reads();
    if let Some(store) = lost {
        place.cut(store);
    }
    // Nobody who calls sees anything of it.
    assert_eq!(place.read(kept).await, Ok(10));
    assert_eq!(place.read(missing).await, Ok(20));
    assert_eq!(place.rows.reads(), reads + 1);
    assert_eq!(place.write(changed, 31).await, Ok(()));
    assert_eq!(place.read(changed).await, Ok(31));
    place.rows.has_been_written(changed, 31).await;
    assert_eq!(place.read(changed).await, Ok(31));
    assert_eq!(place.rows.row(changed), 31);
    let reads = reads + 1 + u64::from(!R::EXPECTED.puts);
    assert_eq!(place.rows.reads(), reads);
    if let Some(store) = lost {
        // It still has what has been replaced since.
        assert!(place.below(changed).await.contains(&(store, Some(30))));
        place.mend(store).await;
    }
    assert_eq!(place.held(kept).await, place.everywhere(Some(10)));
    assert_eq!(place.held(missing).await, place.everywhere_but(lost, 20));
    assert_eq!(place.held(changed).await, place.everywhere_but(lost, 31));
    assert_eq!(place.rows.reads(), reads);
    // Others are given what is right, by the source where no store has it.
    assert_eq!(place.read_elsewhere(missing).await, Ok(20));
    assert_eq!(place.read_elsewhere(changed).await, Ok(31));
    let loads = if place.stores().len() > 1 { 0 } else { 2 };
    assert_eq!(place.rows.reads(), reads + loads);
    // The store takes part again.
    assert_eq!(place.write(changed, 32).await, Ok(()));
    place.caches.settle().await;
    assert_eq!(place.rows.row(changed), 32);
    assert_eq!(
        place.held(changed).await,
        place.everywhere(R::EXPECTED.puts.then_some(32))
    );
    assert_eq!(place.read(changed).await, Ok(32));
    place.caches.settle().await;
    assert_eq!(place.held(changed).await, place.everywhere(Some(32)));
    assert_eq!(place.read_elsewhere(changed).await, Ok(32));
    assert_eq!(place.told(), []);
}

/// What a load in the background brings reaches the other tiers.
async fn late_hit_without<R: Row>(place: &Place<R>, lost: Option<&'static str>, id: u64) {
    place.fill(id, 10).await;
    place.rows.set(id, 11);
    let reads = place.rows.reads();
    if let Some(store) = lost {
        place.cut(store);
    }
    place.age(id).await;
    assert_eq!(place.read(id).await, Ok(10));
    if R::EXPECTED.reloads {
        // It has asked the stores by then.
        place.rows.have_read(reads + 1).await;
    }
    if let Some(store) = lost {
        place.mend(store).await;
    }
    place.caches.settle().await;
    let (now, held) = if R::EXPECTED.reloads {
        (11, place.everywhere_but(lost, 11))
    } else {
        (10, place.apart(Some(10), None))
    };
    assert_eq!(place.held(id).await, held);
    assert_eq!(place.read(id).await, Ok(now));
    assert_eq!(place.rows.reads(), reads + u64::from(R::EXPECTED.reloads));
}

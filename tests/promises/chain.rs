//! Loads and invalidations in chains of stores, in an order that is forced.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::chains::{Chain, Far, FarNear, How, LocalFar, MokaFar, NearFar, Stores, Three, ThreeOff};
use crate::model::{Model, Step};
use crate::source::{Failed, Source};
use crate::stops::{Held, soon};

/// All the time there is.
const AMPLE: Duration = Duration::from_secs(3600);
/// Soon over.
const SCANT: Duration = Duration::from_millis(100);

/// A test's stores and source.
struct Place {
    stores: Stores,
    source: Arc<Source>,
}

impl Place {
    fn new() -> Self {
        Self {
            stores: Stores::new(),
            source: Arc::default(),
        }
    }

    /// In which the lowest store of the chain has the old version, and nothing else has.
    async fn above_the_lowest<C: Chain>(budget: Duration) -> Self {
        let place = Self::new();
        assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
        place.restarted::<C>(budget)
    }

    /// The same with nothing but what the lowest store has.
    fn restarted<C: Chain>(self, budget: Duration) -> Self {
        Self {
            stores: self.stores.above_the_lowest::<C>(budget),
            ..self
        }
    }

    fn lowest<C: Chain>(&self) -> &Model {
        self.stores.of_chain::<C>(C::STORES.len() - 1)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Source>) -> F,
    ) -> JoinHandle<T> {
        tokio::spawn(self.stores.caches.scope(work(Arc::clone(&self.source))))
    }

    fn read<C: Chain>(&self) -> JoinHandle<Result<u64, Failed>> {
        self.spawn(async |source: Arc<Source>| C::read(&source, 1).await)
    }

    fn write<C: Chain>(&self, how: How) -> JoinHandle<()> {
        self.spawn(async move |source: Arc<Source>| _ = C::write(&source, 1, how).await)
    }

    /// Somebody reads, and everything that comes of it has ended before who is held goes on.
    async fn read_and_go_on<C: Chain>(&self, held: &mut Option<Held>) {
        self.read::<C>().await.unwrap().unwrap();
        self.stores.caches.settle().await;
        if let Some(held) = held.take() {
            held.release();
        }
    }

    /// Whatever is still under way has ended, and nobody sees the old version.
    async fn holds_nothing_old<C: Chain>(&self, how: How) {
        self.stores.caches.settle().await;
        let newest = self.source.versions()[1];
        for _ in 0..2 {
            let read = self.read::<C>().await.unwrap();
            assert_eq!(read, Ok(newest), "{} after {how:?}", C::NAME);
        }
    }
}

/// Does `$test` for chains of every kind.
macro_rules! each_chain {
    ($test:ident) => {
        $test::<Far>().await;
        $test::<LocalFar>().await;
        $test::<MokaFar>().await;
        $test::<NearFar>().await;
        $test::<FarNear>().await;
        $test::<Three>().await;
        $test::<ThreeOff>().await;
    };
}

/// The load is under way to a store with what it has read.
async fn fill_comes_late<C: Chain>() {
    for how in How::ALL {
        for store in 0..C::STORES.len() {
            let place = Place::new();
            let mut fill = place.stores.of_chain::<C>(store).hold(Step::Fill);
            let old = place.read::<C>();
            fill.arrived().await;
            place.write::<C>(how).await.unwrap();
            fill.release();
            assert_eq!(old.await.unwrap(), Ok(0));
            place.holds_nothing_old::<C>(how).await;
        }
    }
}

#[tokio::test]
async fn a_late_fill_is_refused() {
    each_chain!(fill_comes_late);
}

/// The old entry has been found in the lowest store, and is on its way up.
async fn answer_comes_late<C: Chain>() {
    for how in How::ALL {
        let place = Place::above_the_lowest::<C>(AMPLE).await;
        let mut answer = place.lowest::<C>().hold(Step::GetDone);
        let old = place.read::<C>();
        answer.arrived().await;
        place.write::<C>(how).await.unwrap();
        answer.release();
        assert_eq!(old.await.unwrap(), Ok(0));
        place.holds_nothing_old::<C>(how).await;
    }
}

#[tokio::test]
async fn an_old_entry_that_was_found_before_is_not_copied_up() {
    each_chain!(answer_comes_late);
}

/// The old entry has been found, and is being copied into the store above.
async fn backfill_comes_late<C: Chain>() {
    for how in How::ALL {
        for store in 0..C::STORES.len() - 1 {
            let place = Place::above_the_lowest::<C>(AMPLE).await;
            let mut backfill = place.stores.of_chain::<C>(store).hold(Step::Fill);
            assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
            backfill.arrived().await;
            place.write::<C>(how).await.unwrap();
            backfill.release();
            place.holds_nothing_old::<C>(how).await;
        }
    }
}

#[tokio::test]
async fn a_late_backfill_is_refused() {
    each_chain!(backfill_comes_late);
}

/// Somebody reads before each removal of an invalidation, and after it, with the others still to come.
async fn reads_between_removals<C: Chain>() {
    for how in How::ALL {
        for step in [Step::Remove, Step::RemoveDone] {
            let place = Place::new();
            assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
            let [mut near, mut far] = place.stores.both().map(|store| Some(store.hold(step)));
            let mut write = place.write::<C>(how);
            let mut stopped = 0;
            loop {
                tokio::select! {
                    biased;
                    () = arrival(&mut near) => place.read_and_go_on::<C>(&mut near).await,
                    () = arrival(&mut far) => place.read_and_go_on::<C>(&mut far).await,
                    written = &mut write => break written.unwrap(),
                }
                stopped += 1;
            }
            assert!(stopped >= C::STORES.len());
            place.holds_nothing_old::<C>(how).await;
        }
    }
}

async fn arrival(held: &mut Option<Held>) {
    match held {
        Some(held) => held.arrived().await,
        None => std::future::pending().await,
    }
}

#[tokio::test]
async fn what_is_read_in_the_middle_of_an_invalidation_does_not_outlive_it() {
    each_chain!(reads_between_removals);
}

/// The leader has not got beyond its look at the first store.
async fn leader_is_slow<C: Chain>() {
    for how in How::ALL {
        for step in [Step::Get, Step::GetDone] {
            let place = Place::new();
            assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
            let place = place.restarted::<C>(AMPLE);
            let mut look = place.lowest::<C>().hold(step);
            let old = place.read::<C>();
            look.arrived().await;
            place.write::<C>(how).await.unwrap();
            // Who comes now does not wait for that one.
            assert_eq!(
                soon(place.read::<C>()).await.unwrap(),
                Ok(1),
                "{} after {how:?}",
                C::NAME
            );
            look.release();
            old.await.unwrap().unwrap();
            place.holds_nothing_old::<C>(how).await;
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_a_look_that_began_before() {
    each_chain!(leader_is_slow);
}

/// A store does not answer to the removal; the rest of it goes on.
async fn removal_gets_no_answer<C: Chain>() {
    for how in How::ALL {
        let place = Place::above_the_lowest::<C>(SCANT).await;
        let mut removal = place.lowest::<C>().hold(Step::Remove);
        place.write::<C>(how).await.unwrap();
        removal.arrived().await;
        // Queued: from here on this process does not read the old entry, which is still there.
        assert_eq!(
            place.read::<C>().await.unwrap(),
            Ok(1),
            "{} after {how:?}",
            C::NAME
        );
        removal.release();
        place.holds_nothing_old::<C>(how).await;
        // Nor does another, once the removal has been delivered.
        let place = place.restarted::<C>(AMPLE);
        place.holds_nothing_old::<C>(how).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_gets_no_answer_is_in_force_all_the_same() {
    each_chain!(removal_gets_no_answer);
}

/// Its removals are under way when it returns, and in force.
async fn failed_writer<C: Chain>() {
    for store in 0..C::STORES.len() {
        let place = Place::new();
        assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
        let removal = place.stores.of_chain::<C>(store).hold(Step::Remove);
        let written = place.spawn(async |source: Arc<Source>| C::write_and_fail(&source, 1).await);
        assert_eq!(written.await.unwrap(), Err(Failed));
        assert_eq!(place.read::<C>().await.unwrap(), Ok(1), "{}", C::NAME);
        removal.release();
        place.holds_nothing_old::<C>(How::WriterOfEntry).await;
    }
}

#[tokio::test]
async fn a_writer_that_fails_and_always_invalidates_has_done_so() {
    each_chain!(failed_writer);
}

/// A writer that is dropped in the middle of its removals.
async fn dropped_writer<C: Chain>() {
    for how in How::ALL {
        for store in 0..C::STORES.len() {
            let place = Place::new();
            assert_eq!(place.read::<C>().await.unwrap(), Ok(0));
            let mut removal = place.stores.of_chain::<C>(store).hold(Step::Remove);
            let write = place.write::<C>(how);
            removal.arrived().await;
            write.abort();
            assert!(write.await.is_err());
            removal.release();
            place.holds_nothing_old::<C>(how).await;
        }
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_still_invalidates() {
    each_chain!(dropped_writer);
}

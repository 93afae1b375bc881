//! A fill and a removal that meet: whichever order they take, what was loaded before the removal is not read after it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use super::memory::{Bound, Fill, Memory, Probe};
use super::stamps::{Stamps, Stripes};
use crate::clock::Clock;
use crate::entry::Content;
use crate::plan::Plan;

const ROUNDS: usize = 5_000;

const KEY: Probe<'static> = Probe {
    hash: 7,
    bytes: b"key",
};

struct Place {
    stamps: Arc<Stamps>,
    memory: Memory,
}

impl Place {
    fn new(engine: &str) -> Self {
        let stamps = Arc::new(Stamps::new(Arc::new(Stripes::new())));
        let memory = Memory::new(
            engine,
            Bound::Entries(100),
            None,
            Clock::System,
            Arc::clone(&stamps),
        );
        Self { stamps, memory }
    }

    fn holds_something(&self) -> bool {
        self.memory.read(&KEY).is_some()
    }
}

/// Fills that were stamped before meet `remove`, so often that some are in the middle of it.
fn meet(engine: &str, remove: impl Fn(&Place) + Send + Sync) {
    let place = Place::new(engine);
    // Counted, and judged at the end: a thread that panics would leave the other at the barrier.
    let [kept, stale] = [const { AtomicUsize::new(0) }; 2];
    let look = || stale.fetch_add(usize::from(place.holds_something()), SeqCst);
    let (start, end) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                let stamp = place.stamps.now(KEY.hash);
                start.wait();
                // A little later each time, so that they meet at every point.
                (0..round % 50).for_each(|_| std::hint::spin_loop());
                let fill = Fill {
                    content: Content::Absent,
                    plan: Plan::plain(None),
                    began: round as u64,
                    weight: 1,
                };
                kept.fetch_add(usize::from(place.memory.fill(KEY, fill, stamp)), SeqCst);
                end.wait();
                look();
                start.wait();
            }
        });
        for _ in 0..ROUNDS {
            start.wait();
            remove(&place);
            look();
            end.wait();
            start.wait();
        }
    });
    assert_eq!(stale.into_inner(), 0, "{engine}");
    // Otherwise they have not met.
    assert!(kept.into_inner() > 0);
}

const ENGINES: &[&str] = Memory::NAMES;

#[test]
fn a_fill_that_meets_the_removal_of_its_key_is_not_left() {
    for engine in ENGINES {
        meet(engine, |place| {
            place.stamps.advance(KEY.hash);
            place.memory.remove(KEY);
        });
    }
}

#[test]
fn a_fill_that_meets_a_removal_by_pattern_is_not_left() {
    for engine in ENGINES {
        meet(engine, |place| {
            place.stamps.advance_all();
            place.memory.remove_if(|key| key == KEY.bytes);
        });
    }
}

#[test]
fn a_fill_that_meets_the_removal_of_everything_is_not_left() {
    for engine in ENGINES {
        meet(engine, |place| {
            place.stamps.advance_all();
            place.memory.clear();
        });
    }
}

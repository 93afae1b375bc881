//! A fill and a removal that meet: whichever order they take, what was loaded before the removal is not read after it.

#[cfg(feature = "testing")]
mod aging;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::memory::{Bound, Fill, Memory, Probe};
use super::stamps::{Stamps, Stripes};
use crate::clock::{Clock, SAMPLE, told_since};
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

fn nothing() -> Fill {
    Fill {
        content: Content::Absent,
        plan: Plan::plain(None),
        began: 0,
        weight: 1,
    }
}

impl Place {
    fn holding(engine: &str, entries: u64) -> Self {
        let stamps = Arc::new(Stamps::new(Arc::new(Stripes::new())));
        let memory = Memory::new(
            engine,
            Bound::Entries(entries),
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
    let place = Place::holding(engine, 100);
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
                    began: round as u64,
                    ..nothing()
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

/// Of fills that meet each other, the last load's stays: what was admitted is never replaced by what is older.
#[test]
fn of_fills_that_meet_the_newest_stays() {
    const FILLS: u64 = 20_000;
    const THREADS: u64 = 4;
    for engine in ENGINES {
        let place = Place::holding(engine, 100);
        let began = AtomicU64::new(0);
        let backwards = AtomicUsize::new(0);
        let begun = || place.memory.began(KEY).unwrap_or(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..FILLS / THREADS {
                        let fill = Fill {
                            began: began.fetch_add(1, SeqCst) + 1,
                            ..nothing()
                        };
                        let before = begun();
                        place.memory.fill(KEY, fill, place.stamps.now(KEY.hash));
                        backwards.fetch_add(usize::from(begun() < before), SeqCst);
                    }
                });
            }
        });
        assert_eq!((backwards.into_inner(), begun()), (0, FILLS), "{engine}");
    }
}

/// One key of several in a tier that is too small for them, its source, and the newest value that a removal has promised.
struct Source {
    bytes: [u8; 4],
    now: AtomicU64,
    promised: AtomicU64,
}

impl Source {
    fn probe(&self) -> Probe<'_> {
        // Two keys to a hash.
        let hash = u64::from(self.bytes[0] / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Probe {
            hash,
            bytes: &self.bytes,
        }
    }
}

/// Reads, fills, evictions and every kind of removal at once: what is read is never older than what the source had when a
/// removal began that has returned.
#[test]
fn nothing_is_read_that_is_older_than_a_removal() {
    const THREADS: u64 = 4;
    const STEPS: usize = 30_000;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for engine in ENGINES {
        let place = Place::holding(engine, 12);
        let began = AtomicU64::new(0);
        let sources: Vec<Source> = (0..16)
            .map(|key| Source {
                bytes: [key; 4],
                now: AtomicU64::new(0),
                promised: AtomicU64::new(0),
            })
            .collect();
        let [stale, hits] = [const { AtomicUsize::new(0) }; 2];
        let step = |random: &mut fastrand::Rng| {
            let source = &sources[random.usize(..sources.len())];
            let promised = source.promised.load(SeqCst);
            match random.u32(..100) {
                0 => {
                    let all: Vec<u64> = sources
                        .iter()
                        .map(|source| source.now.fetch_add(1, SeqCst) + 1)
                        .collect();
                    place.stamps.advance_all();
                    if random.bool() {
                        place.memory.clear();
                    } else {
                        place.memory.remove_if(|_| true);
                    }
                    for (source, now) in sources.iter().zip(all) {
                        source.promised.fetch_max(now, SeqCst);
                    }
                }
                1..=9 => {
                    let now = source.now.fetch_add(1, SeqCst) + 1;
                    place.stamps.advance(source.probe().hash);
                    place.memory.remove(source.probe());
                    source.promised.fetch_max(now, SeqCst);
                }
                10..=39 => {
                    let began = began.fetch_add(1, SeqCst);
                    let stamp = place.stamps.now(source.probe().hash);
                    let value = source.now.load(SeqCst);
                    if random.u32(..4) == 0 {
                        thread::yield_now();
                    }
                    let fill = Fill {
                        content: Content::Value(Arc::new((source.bytes, value))),
                        began,
                        ..nothing()
                    };
                    place.memory.fill(source.probe(), fill, stamp);
                }
                _ => {
                    let Some(Content::Value(value)) = place.memory.read(&source.probe()) else {
                        return;
                    };
                    let (bytes, value) = *value.downcast_ref::<([u8; 4], u64)>().unwrap();
                    hits.fetch_add(1, SeqCst);
                    stale.fetch_add(usize::from(bytes != source.bytes || value < promised), SeqCst);
                }
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let step = &step;
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed ^ thread);
                    (0..STEPS).for_each(|_| step(&mut random));
                });
            }
        });
        assert_eq!(stale.into_inner(), 0, "{engine}");
        let hits = hits.into_inner() as u64;
        assert!(hits > 0 && place.memory.hits() == hits, "{engine}");
        assert!(
            place.memory.len() <= 12 && place.memory.evictions() > 0,
            "{engine}"
        );
    }
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

#[test]
fn the_clock_is_told_of_many_hits() {
    for engine in ENGINES {
        let place = Place::holding(engine, 100);
        assert!(place.memory.fill(KEY, nothing(), place.stamps.now(KEY.hash)));
        // By either way of reading.
        let reads: [&dyn Fn() -> bool; 2] = [&|| place.holds_something(), &|| {
            let mut absent = false;
            place.memory.value(KEY, &mut absent);
            absent
        }];
        for read in reads {
            let begun = Instant::now();
            while !told_since(begun) {
                (0..SAMPLE).for_each(|_| assert!(read()));
                assert!(
                    begun.elapsed() < Duration::from_secs(60),
                    "{engine}: it is not told"
                );
            }
        }
    }
}

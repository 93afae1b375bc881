//! The time, read by one for many.
//!
//! Called by memory tiers whose entries are read millions of times a second. Reading the kernel's coarse clock is a tenth of
//! such a hit, and reading what somebody else has read costs nothing that could be measured. So a thread reads it once in a
//! [`STEP`] and writes it down, for as long as there are so many hits that this is less work. Where there are fewer there is
//! no such thread, and everybody reads the clock himself.
//!
//! Hits are not counted for it: each shard of a tier tells of every [`SAMPLE`]th of its own. That is also when it is noticed
//! that the time stands still, as it does in a process that has forked, which has all of the memory of the one before and none
//! of its threads: from the next sample on everybody reads the clock himself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// So many hits are told of once. A power of two.
pub(crate) const SAMPLE: u64 = 1 << 15;
/// How old the time gets. Many kernels' clocks do not step more often.
const STEP: Duration = Duration::from_millis(4);
/// Samples within [`WINDOW`] that are many: two and a half million hits a second, five times as many as pay for the thread.
const MANY: u32 = 8;
const WINDOW: Duration = Duration::from_millis(100);
/// Steps after which there have to have been many again.
const STEPS: u32 = 250;
/// A time that is older stands still, or is late: until it is written down again everybody reads the clock himself.
const STILL: Duration = Duration::from_millis(50);
/// No time is kept.
const NONE: u64 = 0;

pub(super) static KEPT: Kept = Kept::new();

/// Apart from whatever else is written: all cores read it.
#[repr(align(128))]
pub(super) struct Kept {
    tick: AtomicU64,
    hits: Mutex<Hits>,
}

struct Hits {
    /// Since when how many samples have been told.
    begun: Option<Instant>,
    samples: u32,
    /// There were many since the thread looked last.
    many: bool,
    /// There is a thread.
    kept: bool,
}

impl Kept {
    const fn new() -> Self {
        Self {
            tick: AtomicU64::new(NONE),
            hits: Mutex::new(Hits {
                begun: None,
                samples: 0,
                many: false,
                kept: false,
            }),
        }
    }

    /// The time in ticks, if it is kept.
    #[inline]
    pub(super) fn now(&self) -> Option<u64> {
        Some(self.tick.load(Relaxed)).filter(|tick| *tick != NONE)
    }

    /// [`SAMPLE`] more hits.
    #[cold]
    pub(super) fn sample(&'static self) {
        let stands = |tick| super::read().saturating_sub(tick) > super::ticks(STILL);
        if self.now().is_some_and(stands) {
            self.tick.store(NONE, Relaxed);
        }
        // Somebody else is at it.
        let Ok(mut hits) = self.hits.try_lock() else {
            return;
        };
        if hits.are_many(Instant::now()) {
            hits.many = true;
            // Where no thread can be made, everybody goes on to read the clock himself.
            hits.kept = hits.kept
                || thread::Builder::new()
                    .name("cached-clock".into())
                    .spawn(|| self.keep())
                    .is_ok();
        }
    }

    fn write_down(&self) {
        loop {
            let tick = super::read();
            self.tick.store(tick, Relaxed);
            // Where this thread has stood still in between it has just taken everybody back.
            if super::read().saturating_sub(tick) <= super::ticks(STEP) {
                return;
            }
        }
    }

    /// Reads the clock for all until nobody has asked for it for a while.
    fn keep(&self) {
        loop {
            for _ in 0..STEPS {
                self.write_down();
                thread::sleep(STEP);
            }
            let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::take(&mut hits.many) {
                hits.kept = false;
                self.tick.store(NONE, Relaxed);
                return;
            }
        }
    }
}

#[cfg(test)]
impl Kept {
    /// It has been told of hits since then.
    pub(super) fn told_since(&self, moment: Instant) -> bool {
        let hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.begun.is_some_and(|begun| begun > moment)
    }
}

impl Hits {
    /// One more sample. Whether there are many of late.
    fn are_many(&mut self, now: Instant) -> bool {
        let window = self.begun.map(|begun| now.duration_since(begun));
        if window.is_none_or(|window| window > WINDOW) {
            (self.begun, self.samples) = (Some(now), 0);
        }
        self.samples += 1;
        self.samples >= MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(what: impl Fn() -> bool) {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it never is");
            thread::yield_now();
        }
    }

    #[test]
    fn time_is_kept_while_hits_are_many_and_goes_on() {
        let kept: &'static Kept = Box::leak(Box::new(Kept::new()));
        until(|| {
            kept.sample();
            kept.now().is_some()
        });
        let first = kept.now().unwrap();
        until(|| kept.now().is_some_and(|now| now > first));
        assert!(kept.now().is_none_or(|now| now <= super::super::read()));
        until(|| kept.now().is_none());
        assert!(!kept.hits.lock().unwrap().kept);
        until(|| {
            kept.sample();
            kept.now().is_some()
        });
    }

    #[test]
    fn few_hits_keep_nothing() {
        let mut hits = Hits {
            begun: None,
            samples: 0,
            many: false,
            kept: false,
        };
        let mut now = Instant::now();
        for _ in 0..1_000 {
            assert!(!hits.are_many(now));
            now += WINDOW / (MANY - 1) + Duration::from_millis(1);
        }
        assert!((0..MANY).any(|_| hits.are_many(now)));
    }

    /// As after a fork.
    #[test]
    fn a_time_that_stands_still_is_given_up() {
        let kept: &'static Kept = Box::leak(Box::new(Kept::new()));
        kept.hits.lock().unwrap().kept = true;
        kept.tick
            .store(super::super::read() - super::super::ticks(2 * STILL), Relaxed);
        kept.sample();
        assert_eq!(kept.now(), None);
    }
}

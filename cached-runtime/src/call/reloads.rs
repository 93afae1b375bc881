//! Which loads in the background may begin: not too many of a function at a time, and none that has just failed.
//!
//! Asked by whoever has found an entry that is due; told by loads that fail, and of keys that have got another value here, or
//! none. Knows neither what a load does nor what is kept. A record in memory is told as well, so that hits there need not come here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::clock::{Clock, Tick};
use crate::key::KeyBytes;
use crate::tier::memory::Probe;

/// More than a source is likely to answer at once, and few enough to leave the calls that wait for it their part.
const MOST: usize = 32;
/// A load that has been under way for longer hangs, perhaps for ever.
const LONGEST: Duration = Duration::from_secs(60);
/// Keys that are left alone at a time; beyond them only those of which memory has a record.
const PAUSED: usize = 1024;

/// Those of one function.
pub(crate) struct Reloads {
    clock: Clock,
    /// Keys are left alone, or enough loads are under way: where neither is so, a hit that is due need not ask.
    narrow: AtomicBool,
    /// Keys are left alone, or some load is under way: where neither is so, nobody need be told of values.
    watched: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// How many there have been.
    begun: u64,
    /// Those under way.
    running: Vec<Running>,
    /// Until when keys are left alone.
    paused: HashMap<KeyBytes, Tick, foldhash::fast::RandomState>,
    /// The first of these moments, or an earlier one.
    lapses: Tick,
}

struct Running {
    number: u64,
    since: Tick,
    key: KeyBytes,
    /// The key has got another value meanwhile, or none.
    overtaken: bool,
    /// It may hang for ever, and keeps none of other keys from beginning.
    hangs: bool,
}

/// One of those under way, until it is dropped.
pub(crate) struct Seat {
    reloads: Arc<Reloads>,
    number: u64,
}

impl Seat {
    /// The load has failed: its key is left alone for so long, unless that has got another value since it began. Says whether it is.
    pub(super) fn pause(&self, span: Duration) -> bool {
        self.reloads.pause(self.number, span)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.reloads.lock();
        state.running.retain(|running| running.number != self.number);
        self.reloads.see(&state);
    }
}

/// Why a load may not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The key is to be left alone for so long.
    Paused(Duration),
    /// Enough are at others, or it could not be seen at once whether they are.
    Full,
}

impl State {
    /// Those that may be under way no more than so many at a time.
    fn counted(&self) -> usize {
        self.running.iter().filter(|running| !running.hangs).count()
    }

    /// Forgets pauses that have lapsed, and does not count on loads that hang.
    fn tidy(&mut self, now: Tick) {
        if now >= self.lapses {
            self.paused.retain(|_, until| now < *until);
            self.lapses = self.paused.values().copied().min().unwrap_or(Tick::NEVER);
        }
        if self.counted() >= MOST {
            for running in &mut self.running {
                running.hangs = now >= running.since.after(LONGEST);
            }
        }
    }

    fn allows(&self, probe: Probe<'_>, now: Tick) -> Result<(), Refused> {
        if let Some(until) = self.paused.get(probe.bytes) {
            return Err(Refused::Paused(until.since(now).unwrap_or(Duration::MAX)));
        }
        if self.counted() < MOST {
            Ok(())
        } else {
            Err(Refused::Full)
        }
    }
}

impl Reloads {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            narrow: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            state: Mutex::new(State {
                begun: 0,
                running: Vec::new(),
                paused: HashMap::default(),
                lapses: Tick::NEVER,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is worth asking and telling.
    fn see(&self, state: &State) {
        let pauses = !state.paused.is_empty();
        self.narrow.store(pauses || state.counted() >= MOST, Relaxed);
        self.watched.store(pauses || !state.running.is_empty(), Relaxed);
    }

    /// Whether one may begin, as far as can be seen at once: a hit waits for nobody, and the next one asks again.
    pub(super) fn may_begin(&self, probe: Probe<'_>) -> Result<(), Refused> {
        if !self.narrow.load(Relaxed) {
            return Ok(());
        }
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Refused::Full),
        };
        let now = self.clock.now();
        state.tidy(now);
        self.see(&state);
        state.allows(probe, now)
    }

    /// The same, and one has begun where it may.
    pub(super) fn begin(self: &Arc<Self>, probe: Probe<'_>) -> Option<Seat> {
        let (mut state, now) = (self.lock(), self.clock.now());
        state.tidy(now);
        if state.allows(probe, now).is_err() {
            return None;
        }
        state.begun += 1;
        let number = state.begun;
        state.running.push(Running {
            number,
            since: now,
            key: KeyBytes::from(probe.bytes),
            overtaken: false,
            hangs: false,
        });
        self.see(&state);
        let reloads = Arc::clone(self);
        Some(Seat { reloads, number })
    }

    fn pause(&self, number: u64, span: Duration) -> bool {
        let (mut state, now) = (self.lock(), self.clock.now());
        state.tidy(now);
        let failed = state.running.iter().find(|running| running.number == number);
        let Some(key) = failed
            .filter(|running| !running.overtaken)
            .map(|running| running.key.clone())
        else {
            return false;
        };
        if state.paused.len() < PAUSED {
            let until = now.after(span);
            state.lapses = state.lapses.min(until);
            state.paused.insert(key, until);
        }
        self.see(&state);
        true
    }

    /// The key has got another value, or none.
    pub(crate) fn resume(&self, probe: Probe<'_>) {
        if self.watched.load(Relaxed) {
            let mut state = self.lock();
            state.paused.remove(probe.bytes);
            for running in &mut state.running {
                running.overtaken |= *running.key == *probe.bytes;
            }
            self.see(&state);
        }
    }

    /// The same for every key that `changed` names.
    pub(crate) fn resume_if(&self, mut changed: impl FnMut(&[u8]) -> bool) {
        if self.watched.load(Relaxed) {
            let mut state = self.lock();
            state.paused.retain(|key, _| !changed(key));
            for running in &mut state.running {
                running.overtaken |= changed(&running.key);
            }
            self.see(&state);
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn probe(bytes: &[u8]) -> Probe<'_> {
        Probe { hash: 0, bytes }
    }

    fn reloads() -> (Arc<Reloads>, ManualClock) {
        let clock = ManualClock::new();
        (Arc::new(Reloads::new(clock.clock())), clock)
    }

    fn seats(reloads: &Arc<Reloads>, key: &[u8]) -> Vec<Seat> {
        let mut seats = Vec::new();
        while reloads.may_begin(probe(key)).is_ok() {
            seats.extend(reloads.begin(probe(key)));
        }
        assert!(reloads.begin(probe(key)).is_none());
        seats
    }

    #[test]
    fn so_many_are_under_way_at_a_time() {
        let (reloads, _) = reloads();
        let mut held = seats(&reloads, b"a");
        assert_eq!(held.len(), MOST);
        held.pop();
        assert_eq!(seats(&reloads, b"b").len(), 1);
    }

    #[test]
    fn those_that_hang_keep_nobody_from_beginning() {
        let (reloads, clock) = reloads();
        let hung = seats(&reloads, b"a");
        clock.advance(LONGEST / 2);
        assert_eq!(reloads.may_begin(probe(b"b")), Err(Refused::Full));
        clock.advance(LONGEST / 2);
        let held = seats(&reloads, b"b");
        assert_eq!(held.len(), MOST);
        // One that ends at last makes room for none: it did not count any more.
        drop(hung);
        assert!(reloads.may_begin(probe(b"c")).is_err());
        drop(held);
        assert!(reloads.lock().running.is_empty() && !reloads.narrow.load(Relaxed));
    }

    /// One load that has begun and failed.
    fn fail(reloads: &Arc<Reloads>, key: &[u8], span: Duration) -> bool {
        reloads.begin(probe(key)).is_some_and(|seat| seat.pause(span))
    }

    #[test]
    fn what_has_failed_is_left_alone_for_a_while() {
        let (reloads, clock) = reloads();
        let may = |key| reloads.may_begin(probe(key)).is_ok() && reloads.begin(probe(key)).is_some();
        assert!(fail(&reloads, b"a", 2 * SECOND));
        clock.advance(SECOND);
        assert_eq!(reloads.may_begin(probe(b"a")), Err(Refused::Paused(SECOND)));
        assert!(!may(b"a") && may(b"b"));
        assert!(reloads.begin(probe(b"a")).is_none());
        clock.advance(SECOND);
        assert!(may(b"a") && !reloads.narrow.load(Relaxed));
    }

    #[test]
    fn what_has_got_another_value_is_not_left_alone() {
        let (reloads, _) = reloads();
        let may = |key| reloads.may_begin(probe(key)).is_ok() && reloads.begin(probe(key)).is_some();
        for key in [b"a", b"b", b"c"] {
            assert!(fail(&reloads, key, SECOND));
        }
        reloads.resume(probe(b"a"));
        assert!(may(b"a") && !may(b"b") && !may(b"c"));
        reloads.resume_if(|key| key == b"b");
        assert!(may(b"a") && may(b"b") && !may(b"c"));
        reloads.resume(probe(b"c"));
        assert!(!reloads.narrow.load(Relaxed));
    }

    /// What it has failed for is not there any more. Others are not that, nor is one of the same key that has begun since.
    #[test]
    fn a_load_that_was_overtaken_leaves_nothing_alone() {
        let (reloads, clock) = reloads();
        for by_pattern in [false, true] {
            let [a, b] = [b"a", b"b"].map(|key| reloads.begin(probe(key)).unwrap());
            if by_pattern {
                reloads.resume_if(|key| key == b"a");
            } else {
                reloads.resume(probe(b"a"));
            }
            let late = reloads.begin(probe(b"a")).unwrap();
            assert!(!a.pause(SECOND) && reloads.may_begin(probe(b"a")).is_ok());
            assert!(b.pause(SECOND) && late.pause(SECOND));
            assert!(reloads.may_begin(probe(b"a")).is_err() && reloads.may_begin(probe(b"b")).is_err());
            drop((a, b, late));
            clock.advance(SECOND);
        }
        assert!(reloads.may_begin(probe(b"a")).is_ok() && !reloads.watched.load(Relaxed));
    }

    /// It has made room for others, and is what it was.
    #[test]
    fn one_that_hangs_is_overtaken_all_the_same() {
        let (reloads, clock) = reloads();
        let hung = seats(&reloads, b"a");
        clock.advance(LONGEST);
        let held = seats(&reloads, b"b");
        reloads.resume(probe(b"a"));
        assert!(!hung[0].pause(SECOND));
        drop(held);
        assert!(reloads.may_begin(probe(b"a")).is_ok());
    }

    #[test]
    fn so_many_are_left_alone() {
        let (reloads, clock) = reloads();
        let pause = |first: usize| {
            for key in first..=first + PAUSED {
                assert!(fail(&reloads, &key.to_be_bytes(), SECOND));
            }
            reloads.lock().paused.len()
        };
        assert_eq!(pause(0), PAUSED);
        assert!(reloads.may_begin(probe(&PAUSED.to_be_bytes())).is_ok());
        // Those before are over.
        clock.advance(SECOND);
        assert_eq!(pause(1_000_000), PAUSED);
        assert!(reloads.may_begin(probe(&0_usize.to_be_bytes())).is_ok());
    }
}

//! Which loads in the background may begin: not too many of a function at a time, and none that has just failed.
//!
//! Asked by whoever has found an entry that is due; told by loads that fail, and of keys that have got another value or none.
//! Knows neither what a load does nor what is kept. A record in memory is told as well, so that hits there need not come here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Tick};
use crate::key::KeyBytes;
use crate::tier::memory::Probe;

/// More than a source is likely to answer at once, and few enough to leave the calls that wait for it their part.
const MOST: usize = 32;
/// A load that has been under way for longer may hang for ever, and keeps no other from beginning.
const LONGEST: Duration = Duration::from_secs(60);
/// Keys that are left alone at a time; of those beyond, hits ask the source again.
const PAUSED: usize = 1024;

/// Those of one function.
pub(crate) struct Reloads {
    clock: Clock,
    /// There are keys left alone, or enough loads under way: more than these two are not asked where neither is.
    narrow: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many there have been.
    begun: u64,
    /// Those under way, by what number they are, and since when.
    running: Vec<(u64, Tick)>,
    /// Until when keys are left alone.
    paused: HashMap<KeyBytes, Tick, foldhash::fast::RandomState>,
}

/// One of those under way, until it is dropped.
pub(crate) struct Seat {
    reloads: Arc<Reloads>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.reloads.lock();
        state.running.retain(|(number, _)| *number != self.number);
        self.reloads.see(&state);
    }
}

impl State {
    fn allows(&self, probe: Probe<'_>, now: Tick) -> bool {
        let is_paused = self.paused.get(probe.bytes).is_some_and(|until| now < *until);
        !is_paused && self.counted(now).count() < MOST
    }

    /// Those that do not hang.
    fn counted(&self, now: Tick) -> impl Iterator<Item = &(u64, Tick)> {
        self.running
            .iter()
            .filter(move |(_, since)| now < since.after(LONGEST))
    }
}

impl Reloads {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            narrow: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether it is worth asking.
    fn see(&self, state: &State) {
        let is_narrow = state.running.len() >= MOST || !state.paused.is_empty();
        self.narrow.store(is_narrow, Relaxed);
    }

    /// Whether one may begin, as far as can be seen at once: a hit waits for nobody, and the next one asks again.
    pub(super) fn may_begin(&self, probe: Probe<'_>) -> bool {
        if !self.narrow.load(Relaxed) {
            return true;
        }
        match self.state.try_lock() {
            Ok(state) => state.allows(probe, self.clock.now()),
            Err(_) => false,
        }
    }

    /// Nothing if enough are at others, or the key is to be left alone.
    pub(super) fn begin(self: &Arc<Self>, probe: Probe<'_>) -> Option<Seat> {
        let mut state = self.lock();
        if !state.allows(probe, self.clock.now()) {
            return None;
        }
        state.begun += 1;
        let number = state.begun;
        state.running.push((number, self.clock.now()));
        self.see(&state);
        let reloads = Arc::clone(self);
        Some(Seat { reloads, number })
    }

    /// Leaves a key alone for so long.
    pub(super) fn pause(&self, probe: Probe<'_>, span: Duration) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.paused.retain(|_, until| now < *until);
        if state.paused.len() < PAUSED {
            state.paused.insert(KeyBytes::from(probe.bytes), now.after(span));
        }
        self.see(&state);
    }

    /// The key has got another value, or none.
    pub(crate) fn resume(&self, probe: Probe<'_>) {
        if self.narrow.load(Relaxed) {
            let mut state = self.lock();
            state.paused.remove(probe.bytes);
            self.see(&state);
        }
    }

    /// The same for every key that `changed` names.
    pub(crate) fn resume_if(&self, mut changed: impl FnMut(&[u8]) -> bool) {
        if self.narrow.load(Relaxed) {
            let mut state = self.lock();
            state.paused.retain(|key, _| !changed(key));
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
        while reloads.may_begin(probe(key)) {
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
        assert!(!reloads.may_begin(probe(b"b")));
        clock.advance(LONGEST / 2);
        let held = seats(&reloads, b"b");
        assert_eq!(held.len(), MOST);
        // One that ends at last makes room for none: it did not count any more.
        drop(hung);
        assert!(!reloads.may_begin(probe(b"c")));
        drop(held);
        assert!(reloads.lock().running.is_empty() && !reloads.narrow.load(Relaxed));
    }

    #[test]
    fn what_has_failed_is_left_alone_for_a_while() {
        let (reloads, clock) = reloads();
        let may = |key| reloads.may_begin(probe(key)) && reloads.begin(probe(key)).is_some();
        reloads.pause(probe(b"a"), 2 * SECOND);
        clock.advance(SECOND);
        assert!(!may(b"a") && may(b"b"));
        assert!(reloads.begin(probe(b"a")).is_none());
        clock.advance(SECOND);
        assert!(may(b"a"));
    }

    #[test]
    fn what_has_got_another_value_is_not_left_alone() {
        let (reloads, _) = reloads();
        let may = |key| reloads.may_begin(probe(key)) && reloads.begin(probe(key)).is_some();
        for key in [b"a", b"b", b"c"] {
            reloads.pause(probe(key), SECOND);
        }
        reloads.resume(probe(b"a"));
        assert!(may(b"a") && !may(b"b") && !may(b"c"));
        reloads.resume_if(|key| key == b"b");
        assert!(may(b"a") && may(b"b") && !may(b"c"));
        reloads.resume(probe(b"c"));
        assert!(!reloads.narrow.load(Relaxed));
    }

    #[test]
    fn so_many_are_left_alone() {
        let (reloads, clock) = reloads();
        let pause = |first: usize| {
            for key in first..=first + PAUSED {
                reloads.pause(probe(&key.to_be_bytes()), SECOND);
            }
            reloads.lock().paused.len()
        };
        assert_eq!(pause(0), PAUSED);
        assert!(reloads.may_begin(probe(&PAUSED.to_be_bytes())));
        // Those before are over.
        clock.advance(SECOND);
        assert_eq!(pause(1_000_000), PAUSED);
        assert!(reloads.may_begin(probe(&0_usize.to_be_bytes())));
    }
}

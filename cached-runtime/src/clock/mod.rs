//! Time as the memory tier sees it: a count of ticks that only moves forward.
//!
//! A hit compares two integers, so the clock has to be cheap before it is exact: the kernel's coarse clock costs a few
//! nanoseconds and lags real time by at most one timer interrupt (1 to 10 ms). Where hits are very many it is [`kept`], and
//! lags a few milliseconds more. An entry may therefore live that much longer than its ttl. Tests put a clock of their own in
//! its place.

mod kept;

#[cfg(feature = "testing")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use self::kept::KEPT;
pub(crate) use self::kept::SAMPLE;

/// A moment, in ticks of the clock it was read from, of which there are so many in a second that eight of them are one here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Tick {
    /// Earlier than any clock will ever say.
    pub(crate) const ALWAYS: Self = Self(0);

    /// Later than any clock will ever say.
    pub(crate) const NEVER: Self = Self::at(u64::MAX);

    /// Bits that are zero in the number of every moment: whoever keeps many has a use for them.
    pub(crate) const SPARE: u64 = 0b111;

    /// The moment of so many ticks, or up to two nanoseconds before.
    #[inline]
    pub(crate) const fn at(ticks: u64) -> Self {
        Self(ticks & !Self::SPARE)
    }

    /// As a number, later moments greater.
    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// This moment `ttl` later; `NEVER` if that is past the end of time.
    pub(crate) fn after(self, ttl: Duration) -> Self {
        Self::at(self.0.saturating_add(ticks(ttl)))
    }

    /// What is left until this moment; `None` if it never comes.
    pub(crate) fn since(self, now: Self) -> Option<Duration> {
        (self != Self::NEVER).then(|| coarsetime::Duration::from_ticks(self.0.saturating_sub(now.0)).into())
    }
}

/// A moment that readers move.
pub(crate) struct AtomicTick(AtomicU64);

impl AtomicTick {
    pub(crate) fn new(tick: Tick) -> Self {
        Self(AtomicU64::new(tick.0))
    }

    pub(crate) fn get(&self) -> Tick {
        Tick(self.0.load(Ordering::Relaxed))
    }

    /// Not written where it is that already: whoever reads at the same tick shares the line.
    pub(crate) fn set(&self, tick: Tick) {
        if self.get() != tick {
            self.0.store(tick.0, Ordering::Relaxed);
        }
    }

    /// Whether it was this caller who put `new` in the place of `old`.
    pub(crate) fn replace(&self, old: Tick, new: Tick) -> bool {
        let replaced = self
            .0
            .compare_exchange(old.0, new.0, Ordering::Relaxed, Ordering::Relaxed);
        replaced.is_ok()
    }
}

/// Ticks of a duration, saturating: the underlying conversion works in 32.32 bits and would wrap.
fn ticks(span: Duration) -> u64 {
    const LONGEST: u64 = 1 << 31;
    if span.as_secs() >= LONGEST {
        u64::MAX
    } else {
        coarsetime::Duration::from(span).as_ticks()
    }
}

/// The kernel's coarse monotonic clock, in ticks.
fn read() -> u64 {
    coarsetime::Instant::now_without_cache_update().as_ticks()
}

/// Where the time comes from.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// The kernel's coarse monotonic clock.
    System,
    /// A clock that stands still until it is moved.
    #[cfg(feature = "testing")]
    Manual(Arc<AtomicU64>),
}

impl Clock {
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        match self {
            Self::System => Tick::at(KEPT.now().unwrap_or_else(read)),
            #[cfg(feature = "testing")]
            Self::Manual(ticks) => Tick::at(ticks.load(Ordering::Acquire)),
        }
    }

    /// The same, if somebody else has read it.
    #[inline]
    pub(crate) fn kept(&self) -> Option<Tick> {
        match self {
            Self::System => KEPT.now().map(Tick::at),
            #[cfg(feature = "testing")]
            Self::Manual(_) => None,
        }
    }

    /// [`SAMPLE`] more hits have asked for it.
    pub(crate) fn sample(&self) {
        match self {
            Self::System => KEPT.sample(),
            #[cfg(feature = "testing")]
            Self::Manual(_) => {}
        }
    }
}

/// Somebody has told of hits since then, so that it would be kept if they were many.
#[cfg(test)]
pub(crate) fn told_since(moment: std::time::Instant) -> bool {
    KEPT.told_since(moment)
}

/// A clock for tests: it stands still until [`advance`](ManualClock::advance) moves it. Clones share the time.
///
/// Memory tiers follow it, and so does how long loads in the background that have failed are not tried again; a remote store
/// expires entries by its own clock. Memory tells moments apart that are two
/// nanoseconds from each other: an entry is gone when its life has passed, and may be that much earlier.
#[cfg(feature = "testing")]
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicU64>);

#[cfg(feature = "testing")]
impl ManualClock {
    /// A clock at an arbitrary moment.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(ticks(Duration::from_secs(1_000_000)))))
    }

    /// Moves the time forward by `span`.
    pub fn advance(&self, span: Duration) {
        // Not past the end of time, or it would begin anew.
        let later = |now: u64| Some(now.saturating_add(ticks(span)));
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.0))
    }
}

#[cfg(feature = "testing")]
impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

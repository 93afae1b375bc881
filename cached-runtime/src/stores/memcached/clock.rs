//! A server's time, as closely as it can be told from here.
//!
//! Called by the connection's driver, which asks the server, and by the commands, which say when an entry ends. Expiry
//! must be one moment for all who share a server, so it is told in the server's time and in nobody's own; but memcached
//! tells its time in whole seconds. What is measured is the distance between the two clocks: an answer that names the
//! second, between the question and its coming, bounds it to a second, and a question put just when the upper and the
//! lower half of what is possible name different seconds halves it. Six questions, one a second, leave some 15 ms.
//!
//! So entries end within half a second of their time right after a connection was made, and within a few hundredths
//! later on; readers and writers who are connected for a while agree to that. The server's own second may jump by one
//! now and then, where its timer drifts.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SECOND: i64 = 1_000_000;
/// Below this, in microseconds, asking further is not worth it.
const FINE: i64 = 20_000;
/// How far two clocks may part, in microseconds a second.
const DRIFT: i64 = 500;
/// Between two questions once it is fine.
const CALM: i64 = 20 * SECOND;

/// The time of one server: read by everybody, set by the one who measures.
pub(super) struct Clock {
    /// What has to be added to the local time.
    distance: AtomicI64,
}

/// All that the distance can be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    low: i64,
    high: i64,
    measured: i64,
}

/// An answer that named a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) asked: i64,
    pub(super) told: i64,
    pub(super) second: i64,
}

/// Microseconds of a clock of this process that never goes back.
pub(super) fn local() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX / 4)
}

impl Clock {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let clock = Self {
            distance: AtomicI64::new(0),
        };
        clock.set(bounds);
        clock
    }

    pub(super) fn set(&self, bounds: &Bounds) {
        self.distance.store(bounds.middle(), Relaxed);
    }

    /// Milliseconds since 1970 by the server.
    pub(super) fn now(&self) -> i64 {
        (local() + self.distance.load(Relaxed)).div_euclid(1_000)
    }
}

impl Bounds {
    pub(super) fn of(sample: Sample) -> Self {
        let second = sample.second.saturating_mul(SECOND);
        Self {
            low: second.saturating_sub(sample.told),
            high: second.saturating_add(SECOND).saturating_sub(sample.asked),
            measured: sample.told,
        }
    }

    /// What is left possible. Where nothing is, one of the clocks has jumped, and the sample alone counts.
    pub(super) fn narrowed(self, sample: Sample) -> Self {
        let new = Self::of(sample);
        let apart = sample.told.saturating_sub(self.measured).max(0) / SECOND * DRIFT;
        let narrowed = Self {
            low: new.low.max(self.low - apart),
            high: new.high.min(self.high + apart),
            measured: sample.told,
        };
        if narrowed.low < narrowed.high {
            narrowed
        } else {
            new
        }
    }

    fn middle(&self) -> i64 {
        self.low + (self.high - self.low) / 2
    }

    /// How long to wait with the next question: until a second begins in the middle of what is possible.
    pub(super) fn pause(&self, now: i64) -> Duration {
        let calm = if self.high - self.low > FINE { 0 } else { CALM };
        let into = (now + calm + self.middle()).rem_euclid(SECOND);
        Duration::from_micros((calm + SECOND - into).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that is `distance` ahead, asked at `now` over a line that takes `trip` each way.
    fn ask(distance: i64, now: i64, trip: i64) -> Sample {
        let second = (now + trip + distance).div_euclid(SECOND);
        Sample {
            asked: now,
            told: now + 2 * trip,
            second,
        }
    }

    #[test]
    fn a_handful_of_questions_finds_the_distance() {
        for distance in [0, 1, 999_999, -5_300_000, 1_795_640_729_123_456] {
            let mut now = 17;
            let mut bounds = Bounds::of(ask(distance, now, 200));
            assert!(bounds.low <= distance && distance < bounds.high);
            for _ in 0..7 {
                now += i64::try_from(bounds.pause(now).as_micros()).unwrap();
                bounds = bounds.narrowed(ask(distance, now, 200));
                assert!(bounds.low <= distance && distance < bounds.high, "{distance}");
            }
            assert!((bounds.middle() - distance).abs() < FINE, "{distance} {bounds:?}");
            assert!(bounds.pause(now) > Duration::from_secs(19));
        }
    }

    #[test]
    fn a_clock_that_jumps_is_followed() {
        let bounds = Bounds::of(ask(0, 0, 10));
        let bounds = bounds.narrowed(ask(90 * SECOND, SECOND, 10));
        assert!((bounds.middle() - 90 * SECOND).abs() <= SECOND);
    }
}

//! The lock of a shard, held for as long as a look-up takes; by a fill that makes a large shard larger for milliseconds (2
//! at 60,000 entries, 30 at 200,000). No user's code ever runs under it.
//!
//! It spins. A lock that can put its waiters to sleep has to ask at the release whether there are any, which is a second
//! atomic exchange and costs as much as the look-up; this one is released by a plain store. Whoever finds it taken for
//! longer than a look-up takes lets others have the core, in case it is the holder who waits for one.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// Looks at a taken lock before the core is given up: about two microseconds, a hundred look-ups.
const SPINS: u32 = 64;
/// Times the core is given up before the waiter sleeps: the holder may be of a lower priority, and never get it otherwise.
const YIELDS: u32 = 32;
const NAP: Duration = Duration::from_micros(50);
/// Each nap is twice as long as the last, up to this: dozens who woke as often as that would leave no core to the holder.
const LONGEST_NAP: Duration = Duration::from_micros(800);

pub(super) struct Lock<T>(SpinMutex<T>);

impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    #[inline]
    pub(super) fn try_lock(&self) -> Option<SpinMutexGuard<'_, T>> {
        self.0.try_lock()
    }

    #[inline]
    pub(super) fn lock(&self) -> SpinMutexGuard<'_, T> {
        match self.try_lock() {
            Some(guard) => guard,
            None => self.wait(),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) -> SpinMutexGuard<'_, T> {
        let (mut given_up, mut nap) = (0, NAP);
        loop {
            for _ in 0..SPINS {
                // Read before it is tried, so that waiters do not take the line from the holder.
                if !self.0.is_locked()
                    && let Some(guard) = self.0.try_lock()
                {
                    return guard;
                }
                spin_loop();
            }
            if given_up < YIELDS {
                given_up += 1;
                thread::yield_now();
            } else {
                thread::sleep(nap);
                nap = LONGEST_NAP.min(nap * 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;
    use std::time::Duration;

    use super::Lock;

    #[test]
    fn one_at_a_time_has_it() {
        const THREADS: u64 = 8;
        const TIMES: u64 = 20_000;
        let count = Lock::new(0_u64);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..TIMES).for_each(|_| *count.lock() += 1));
            }
        });
        assert_eq!(*count.lock(), THREADS * TIMES);
    }

    #[test]
    fn whoever_waits_for_a_long_time_gets_it_too() {
        let (held, waited) = (Lock::new(false), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut held = held.lock();
                waited.wait();
                // Past the spins and the yields of whoever waits.
                thread::sleep(Duration::from_millis(20));
                *held = true;
            });
            waited.wait();
            assert!(*held.lock());
        });
    }
}

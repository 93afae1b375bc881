//! A counter for what happens so often that counting must cost next to nothing: hits in memory.
//!
//! An atomic addition takes longer than the look-up it would count, and the cores would pass its cache line around. So
//! each thread has a stripe of its own, which nobody else writes: a load and a store. Threads beyond the number of
//! stripes share the last one and pay for it. Every count is exact.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// The stripes that belong to one thread each. The one after them is shared.
const OWNED: usize = 15;
const SHARED: usize = OWNED;

/// One count in a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

#[derive(Default)]
pub(crate) struct Striped([Stripe; OWNED + 1]);

impl Striped {
    #[inline]
    pub(crate) fn add_one(&self) {
        let own = OWN.get();
        match self.0.get(own) {
            // Nobody else writes it, so nothing can come between.
            Some(Stripe(count)) if own < OWNED => count.store(count.load(Relaxed).wrapping_add(1), Relaxed),
            _ => self.add_one_elsewhere(),
        }
    }

    #[cold]
    fn add_one_elsewhere(&self) {
        if OWN.get() == UNKNOWN {
            OWN.set(LEAVING.try_with(|leaving| leaving.0).unwrap_or(SHARED));
            self.add_one();
        } else {
            self.0[SHARED].0.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        let counts = self.0.iter().map(|stripe| stripe.0.load(Relaxed));
        counts.fold(0, u64::wrapping_add)
    }
}

/// No stripe has been chosen for this thread yet.
const UNKNOWN: usize = usize::MAX;

thread_local! {
    /// The stripe of this thread. Without a destructor, so that reading it is one instruction.
    static OWN: Cell<usize> = const { Cell::new(UNKNOWN) };
    static LEAVING: Leaving = Leaving::new();
}

/// The stripes that no living thread owns.
static FREE: Mutex<[bool; OWNED]> = Mutex::new([true; OWNED]);

/// Gives the stripe of a thread that ends to the next.
struct Leaving(usize);

impl Leaving {
    fn new() -> Self {
        // Its lock orders the writes of the stripe's last owner before those of the next.
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let own = free.iter().position(|free| *free).unwrap_or(SHARED);
        if let Some(taken) = free.get_mut(own) {
            *taken = false;
        }
        Self(own)
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        // Destructors of this thread that run later still count.
        OWN.set(SHARED);
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = free.get_mut(self.0) {
            *free = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_threads_that_come_and_go_are_exact() {
        let count = Striped::default();
        for _ in 0..20 {
            std::thread::scope(|scope| {
                for _ in 0..2 * OWNED {
                    scope.spawn(|| (0..1_000).for_each(|_| count.add_one()));
                }
            });
        }
        assert_eq!(count.get(), 20 * 2 * OWNED as u64 * 1_000);
    }

    #[test]
    fn a_destructor_that_counts_at_the_end_of_its_thread_is_counted() {
        static COUNT: Striped = Striped([const { Stripe(AtomicU64::new(0)) }; OWNED + 1]);
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                COUNT.add_one();
            }
        }
        thread_local!(static LATE: Late = const { Late });
        for _ in 0..3 * OWNED {
            let counts = || {
                LATE.with(|_| ());
                COUNT.add_one();
            };
            assert!(std::thread::spawn(counts).join().is_ok());
        }
        assert_eq!(COUNT.get(), 2 * 3 * OWNED as u64);
    }
}

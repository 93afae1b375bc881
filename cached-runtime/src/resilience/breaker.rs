//! A circuit breaker: after failures in a row, nobody asks until a probe has been answered.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Failures in a row after which the store is taken to be down.
const MOST_FAILURES: u32 = 3;

#[derive(Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
}

impl Breaker {
    /// Whether calls are let through.
    pub(super) fn is_closed(&self) -> bool {
        self.failures.load(SeqCst) < MOST_FAILURES
    }

    pub(super) fn succeeded(&self) {
        if self.failures.load(SeqCst) != 0 {
            self.failures.store(0, SeqCst);
        }
    }

    /// Lets calls through again, of which the first decides.
    pub(super) fn try_again(&self) {
        self.failures.store(MOST_FAILURES - 1, SeqCst);
    }

    /// Counts a failure; `true` for the one that opened the breaker.
    pub(super) fn failed(&self) -> bool {
        self.failures
            .fetch_update(SeqCst, SeqCst, |count| Some(count.saturating_add(1)))
            == Ok(MOST_FAILURES - 1)
    }
}

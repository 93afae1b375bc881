//! The sign of life of one who leads: that he is polled.
//!
//! Nobody can tell from outside whether a load is slow or will never go on: its future may be kept and not polled, by a
//! `select!` that goes on without it, by a buffered stream whose consumer is at work, by a runtime that stands still. So
//! who leads leaves his waker here, and whoever doubts wakes him: one who lives is polled then, however long his load
//! takes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Of one flight, or of all those that a batch leads.
#[derive(Default)]
pub(crate) struct Pulse {
    /// Goes on by one as a poll begins and as it ends, so it is odd while one is under way.
    steps: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

/// A poll is under way, until this is dropped.
pub(crate) struct Beat<'a>(&'a Pulse);

/// Where it is seen that somebody is polled who leads a flight.
#[derive(Default, Clone)]
pub(super) enum Sign {
    /// Nowhere. He has had nothing to wait for yet.
    #[default]
    None,
    /// In the flight itself, which needs no memory of its own for who leads it first.
    Own,
    /// Beside it, of one who leads it later or of a batch.
    Beside(Arc<Pulse>),
}

impl Pulse {
    fn waiting(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One at a time: there is one who is polled.
    pub(crate) fn beat(&self) -> Beat<'_> {
        let before = self.steps.fetch_add(1, SeqCst);
        debug_assert!(before.is_multiple_of(2), "two polls at once");
        Beat(self)
    }

    /// The poll has come to nothing: he waits to be woken.
    pub(crate) fn rest(&self, waker: &Waker) {
        let mut waiting = self.waiting();
        let before = match &*waiting {
            Some(same) if same.will_wake(waker) => None,
            _ => waiting.replace(waker.clone()),
        };
        drop(waiting);
        // A waker may hold a task, and this another who waits.
        drop(before);
    }

    /// He is gone, and nothing of his stays here.
    pub(super) fn end(&self) -> Option<Waker> {
        self.waiting().take()
    }

    /// What moves on with each poll, an even number, and nothing while there is one.
    pub(super) fn count(&self) -> Option<u64> {
        let steps = self.steps.load(SeqCst);
        steps.is_multiple_of(2).then_some(steps)
    }

    /// What makes somebody poll him who lives.
    pub(super) fn waker(&self) -> Option<Waker> {
        self.waiting().clone()
    }
}

impl Sign {
    /// The pulse itself, where `own` is that in the flight.
    pub(super) fn pulse<'a>(&'a self, own: &'a Pulse) -> Option<&'a Pulse> {
        match self {
            Self::None => None,
            Self::Own => Some(own),
            Self::Beside(pulse) => Some(pulse),
        }
    }
}

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        self.0.steps.fetch_add(1, SeqCst);
    }
}

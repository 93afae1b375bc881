//! The sign of life of one who leads: that he is polled.
//!
//! Nobody can tell from outside whether a load is slow or will never go on: its future may be kept and not polled, by a
//! `select!` that goes on without it, by a buffered stream whose consumer is at work, by a runtime that stands still. So
//! who leads leaves his waker here, and whoever doubts wakes him: one who lives is polled then, however long his load
//! takes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Of one flight, or of all those that a batch leads.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<Polls>);

#[derive(Default)]
struct Polls {
    /// Those that are over.
    count: u64,
    /// One is under way.
    now: bool,
    waker: Option<Waker>,
}

/// A poll is under way, until this is dropped.
pub(crate) struct Beat<'a>(&'a Pulse);

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Polls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn beat(&self) -> Beat<'_> {
        self.lock().now = true;
        Beat(self)
    }

    /// The poll has come to nothing: he waits to be woken.
    pub(crate) fn rest(&self, waker: &Waker) {
        let mut polls = self.lock();
        let before = match &polls.waker {
            Some(same) if same.will_wake(waker) => None,
            _ => polls.waker.replace(waker.clone()),
        };
        drop(polls);
        // A waker may hold a task, and this another who waits.
        drop(before);
    }

    /// How often he has been polled, and nothing while he is.
    pub(super) fn count(&self) -> Option<u64> {
        let polls = self.lock();
        (!polls.now).then_some(polls.count)
    }

    /// What makes somebody poll him who lives.
    pub(super) fn waker(&self) -> Option<Waker> {
        self.lock().waker.clone()
    }
}

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        let mut polls = self.0.lock();
        polls.now = false;
        polls.count = polls.count.wrapping_add(1);
    }
}

//! What a call remembers of the stores it asks.

use std::sync::Arc;

use super::guarded::Guarded;
use crate::Error;

/// The stores that have failed in the course of a call, which does not wait for them a second time: what it has to remove
/// there is queued, and what it would put is not put.
///
/// Of this call alone. That somebody else has not been answered says nothing of what this one may expect.
#[derive(Default, Clone)]
pub(crate) struct Failed(Vec<Arc<Guarded>>);

impl Failed {
    pub(crate) fn has(&self, store: &Arc<Guarded>) -> bool {
        self.0.iter().any(|failed| Arc::ptr_eq(failed, store))
    }

    /// What the store has answered.
    pub(crate) fn note<T>(&mut self, store: &Arc<Guarded>, answer: &Result<T, Error>) {
        if answer.as_ref().is_err_and(Error::is_outage) {
            self.add(store);
        }
    }

    pub(crate) fn add(&mut self, store: &Arc<Guarded>) {
        if !self.has(store) {
            self.0.push(Arc::clone(store));
        }
    }

    /// Those that have failed in another part of the call.
    pub(crate) fn extend(&mut self, others: &Self) {
        others.0.iter().for_each(|store| self.add(store));
    }
}

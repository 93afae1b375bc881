//! What is wrong with a store, or with the values of a function, for whoever reads the log: each reason when it is met first,
//! and again after a minute.
//!
//! Asked by the guard about every error of a store, by puts, of which there may be thousands while a store refuses them, and
//! about values that have no bytes.

use std::fmt::Display;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::guarded::Guarded;
use crate::{Error, ErrorKind};

/// For so long a reason is not told again.
const PAUSE: Duration = Duration::from_secs(60);
/// More reasons than a store has at a time: those beyond it are the same one in other words.
const MOST_REASONS: usize = 8;

#[derive(Default)]
pub(crate) struct Troubles(Mutex<State>);

#[derive(Default)]
struct State {
    told: Vec<(String, Instant)>,
    untold: u64,
}

impl Troubles {
    /// Whether this reason is to be told now, and how many were not since the last that was.
    pub(crate) fn note(&self, reason: impl Display) -> Option<u64> {
        // Lengths, keys and places tell no reasons apart.
        let mut reason = reason.to_string();
        reason.retain(|c| !c.is_ascii_digit());
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.told.retain(|(_, at)| now.duration_since(*at) < PAUSE);
        if state.told.len() >= MOST_REASONS || state.told.iter().any(|(told, _)| *told == reason) {
            state.untold += 1;
            return None;
        }
        state.told.push((reason, now));
        Some(std::mem::take(&mut state.untold))
    }
}

impl Guarded {
    /// Counts and tells what a call has failed with, and gives the store up where that says so.
    pub(super) fn note(self: &Arc<Self>, error: &Error) {
        self.failures.fetch_add(1, Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error.chain().to_string();
        self.tell(error);
        // Any other answer is an answer: the store is there, or most of it is.
        if error.is_outage() && self.breaker.failed() {
            self.refusing
                .store(error.kind() == ErrorKind::Configuration, SeqCst);
            if error.kind() == ErrorKind::Unavailable {
                tracing::warn!(store = %self.name, error = %error.chain(), "a store is down; its entries are misses until it answers again");
            }
            self.heal();
        }
    }

    /// Logs what a store has answered with, unless it is that it does not answer, which is told when it is given up, or an
    /// entry that cannot be read, which is counted and replaced.
    pub(super) fn tell(&self, error: &Error) {
        if error.kind() == ErrorKind::Decode || error.kind() == ErrorKind::Unavailable && error.is_outage() {
            return;
        }
        let chain = error.chain();
        if let Some(untold) = self.troubles.note(&chain) {
            tracing::warn!(store = %self.name, error = %chain, unlogged = untold, "a store answers with errors; what it is asked for is a miss, and what it is given may not be kept");
        }
    }

    /// Logs that a store did not take a new value, whose entry it has removed instead.
    /// `None` of several for reasons of their own, of which the last is told.
    pub(crate) fn tell_untaken(&self, function: &str, entries: usize, error: Option<&Error>) {
        let last = || {
            self.last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        let chain = error.map_or_else(last, |error| error.chain().to_string());
        if let Some(untold) = self.untaken.note(&chain) {
            tracing::warn!(store = %self.name, function, entries, error = %chain, unlogged = untold, "a store did not take a new value; the entry is removed from it instead, now or once it answers");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_reason_is_told_once_a_minute_with_how_many_were_not() {
        let troubles = Troubles::default();
        assert_eq!(troubles.note("of 3 bytes"), Some(0));
        assert_eq!(troubles.note("of 4 bytes"), None);
        assert_eq!(troubles.note("no room"), Some(1), "another one");
        assert_eq!(troubles.note("of 3 bytes"), None, "they take turns");
        tokio::time::advance(PAUSE).await;
        assert_eq!(troubles.note("no room"), Some(1));
        assert_eq!(troubles.note("no room"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_that_is_never_the_same_is_told_a_few_times() {
        let troubles = Troubles::default();
        let told = ('a'..='z').filter(|c| troubles.note(c).is_some()).count();
        assert_eq!(told, MOST_REASONS);
        tokio::time::advance(PAUSE).await;
        assert_eq!(troubles.note("z"), Some(26 - 8));
    }
}

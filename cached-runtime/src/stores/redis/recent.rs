//! What this process has removed or replaced lately, to be removed again on a server that may not have heard of it.
//!
//! Used where one server can take the place of another, behind sentinels and in a cluster. Knows nothing of either.
//!
//! Redis replicates asynchronously. A primary says that a removal is done, and its replica may be promoted without ever
//! having heard of it: a moment's worth where the primary has died, all that was sent to it meanwhile where it was only
//! cut off from the others or has been replaced by hand. So before anything is read from a successor, the keys that were
//! removed or replaced in the last minute are removed there, values and leases; for those that have been filled since, that
//! costs a load. Each process does so for its own; what a process has removed that died with the primary may return.
//!
//! `WAIT` would not do. It tells how many replicas have heard of a write, not whether the one that will be promoted has; it
//! costs every removal a round trip more, and is to be answered by nobody where there are no replicas.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a removal may be unheard of: what sentinels are told by default to wait for a master, and a fail-over.
const KEPT: Duration = Duration::from_secs(60);
/// Keys that are kept, some six megabytes of them; past it the oldest are forgotten.
const MOST: usize = 65_536;

#[derive(Default)]
pub(super) struct Recent {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: VecDeque<(Instant, String)>,
    /// How many have been forgotten.
    forgotten: u64,
}

/// How far the list has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Recent {
    /// Notes keys that are about to be removed or replaced. Before the server is chosen that is asked to.
    pub(super) fn note<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        let now = Instant::now();
        let mut state = self.state();
        state.forget(now);
        for key in keys {
            state.keys.push_back((now, key.to_owned()));
            if state.keys.len() > MOST {
                state.forget_one();
            }
        }
    }

    /// Those that were noted after `mark`, each once, and how far that is.
    pub(super) fn since(&self, mark: Mark) -> (Vec<String>, Mark) {
        let mut state = self.state();
        state.forget(Instant::now());
        let known = usize::try_from(mark.0.saturating_sub(state.forgotten)).unwrap_or(usize::MAX);
        let keys: HashSet<&String> = state.keys.iter().skip(known).map(|(_, key)| key).collect();
        (keys.into_iter().cloned().collect(), state.end())
    }

    /// Does something if nothing has been noted after `mark`, and while nothing is; whether it was done.
    pub(super) fn unless_more(&self, mark: Mark, what: impl FnOnce()) -> bool {
        let state = self.state();
        let is_last = state.end() == mark;
        if is_last {
            what();
        }
        is_last
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&self) -> Mark {
        Mark(self.forgotten + self.keys.len() as u64)
    }

    fn forget(&mut self, now: Instant) {
        while self
            .keys
            .front()
            .is_some_and(|(noted, _)| now.saturating_duration_since(*noted) > KEPT)
        {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        self.keys.pop_front();
        self.forgotten += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_told_once_from_a_mark_on() {
        let recent = Recent::default();
        recent.note(["a", "b", "a"]);
        let (mut keys, mark) = recent.since(Mark::default());
        keys.sort();
        assert_eq!(keys, ["a", "b"]);
        assert!(recent.unless_more(mark, || {}));
        recent.note(["a"]);
        assert!(!recent.unless_more(mark, || panic!("there is more")));
        assert_eq!(recent.since(mark).0, ["a"]);
    }

    #[test]
    fn the_number_kept_is_bounded() {
        let recent = Recent::default();
        recent.note(["first"]);
        let (_, mark) = recent.since(Mark::default());
        for n in 0..=MOST {
            recent.note([n.to_string().as_str()]);
        }
        let (keys, _) = recent.since(Mark::default());
        assert_eq!(keys.len(), MOST);
        assert_eq!(recent.since(mark).0.len(), MOST);
        let (_, end) = recent.since(mark);
        assert_eq!(recent.since(end).0, [""; 0]);
    }
}

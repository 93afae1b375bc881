//! Removals that a store has not confirmed.
//!
//! While one is pending, this process neither reads nor fills the entries it is about in that store. The number kept
//! is bounded: past it they turn into one removal of everything that this process could have meant.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::Glob;

/// Some 10 MB of keys of 100 bytes.
const MOST_KEYS: usize = 100_000;
const MOST_PATTERNS: usize = 1_000;

/// Tells the keys that are meant from those that a glob finds as well.
pub(crate) type Test = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The keys that match a glob and pass a test, where there is one. The same glob and the same test are the same keys.
#[derive(Clone)]
pub(crate) struct Matching {
    pub(crate) glob: String,
    pub(crate) test: Option<Test>,
    /// What the generations are called that are removed instead where no keys can be found by pattern. `None`: that would
    /// be too much.
    pub(crate) generations: Option<Vec<String>>,
}

impl Matching {
    /// Whether a key that the glob finds is meant.
    pub(crate) fn is_meant(&self, key: &str) -> bool {
        self.test.as_ref().is_none_or(|test| test(key))
    }

    fn covers(&self, key: &str) -> bool {
        Glob::new(&self.glob).matches(key) && self.is_meant(key)
    }

    fn identity(&self) -> (&str, Option<usize>) {
        let test = self.test.as_ref().map(|test| Arc::as_ptr(test).addr());
        (&self.glob, test)
    }
}

impl PartialEq for Matching {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Matching {}

impl Hash for Matching {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

#[derive(Default)]
pub(super) struct Pending {
    /// Whether anything is pending, so that reads pass with one load while nothing is.
    any: AtomicBool,
    removals: Mutex<Removals>,
}

/// What is pending, each with the number of its last request: a replay strikes off only what it has seen, and not what
/// was asked for again while it ran.
#[derive(Default, Clone)]
pub(super) struct Removals {
    keys: HashMap<String, u64>,
    patterns: HashMap<Matching, u64>,
    everything: Option<u64>,
    requests: u64,
}

/// What is to be removed, or has been.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    Keys(&'a [String]),
    Pattern(&'a Matching),
    Everything,
}

impl Removals {
    fn request(&mut self, what: What<'_>) {
        self.requests += 1;
        let request = self.requests;
        match what {
            What::Keys(keys) => self.keys.extend(keys.iter().map(|key| (key.clone(), request))),
            What::Pattern(matching) => drop(self.patterns.insert(matching.clone(), request)),
            What::Everything => self.everything = Some(request),
        }
        if self.keys.len() > MOST_KEYS || self.patterns.len() > MOST_PATTERNS {
            *self = Self {
                everything: Some(request),
                requests: request,
                ..Self::default()
            };
        }
    }

    fn strike(&mut self, what: What<'_>, seen: u64) {
        match what {
            What::Keys(keys) => {
                for key in keys {
                    if self.keys.get(key).is_some_and(|&request| request <= seen) {
                        self.keys.remove(key);
                    }
                }
            }
            What::Pattern(pattern) => {
                if self.patterns.get(pattern).is_some_and(|&request| request <= seen) {
                    self.patterns.remove(pattern);
                }
            }
            What::Everything => self.everything = self.everything.filter(|&request| request > seen),
        }
    }

    fn is_empty(&self) -> bool {
        self.everything.is_none() && self.keys.is_empty() && self.patterns.is_empty()
    }

    pub(super) fn everything(&self) -> bool {
        self.everything.is_some()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &Matching> {
        self.patterns.keys()
    }

    /// The newest request in this snapshot.
    pub(super) fn seen(&self) -> u64 {
        self.requests
    }
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Removals> {
        self.removals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(SeqCst)
    }

    /// Whether a removal of `key` is pending.
    pub(super) fn covers(&self, key: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let removals = self.lock();
        removals.everything()
            || removals.keys.contains_key(key)
            || removals.patterns().any(|matching| matching.covers(key))
    }

    /// Queues a removal.
    pub(super) fn request(&self, what: What<'_>) {
        let mut removals = self.lock();
        removals.request(what);
        self.any.store(!removals.is_empty(), SeqCst);
    }

    /// Strikes off what was delivered, unless it was asked for again since the snapshot that had `seen` it.
    pub(super) fn strike(&self, what: What<'_>, seen: u64) {
        let mut removals = self.lock();
        removals.strike(what, seen);
        self.any.store(!removals.is_empty(), SeqCst);
    }

    /// What is pending now, for a replay.
    pub(super) fn snapshot(&self) -> Removals {
        self.lock().clone()
    }
}

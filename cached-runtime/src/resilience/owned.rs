//! Which keys of a store are a `Caches`' own.
//!
//! Asked when everything is to be removed. Grows where a cache is made by name, so it is looked at when it is needed and
//! never kept.

use std::sync::{Arc, PoisonError, RwLock};

use super::pending::Test;

/// Globs that find the keys, the exact tests for what those find, and what stands for them where no keys can be found.
#[derive(Clone, Default)]
pub(crate) struct OwnKeys {
    pub(crate) globs: Vec<String>,
    /// One of them holds for each key.
    pub(crate) tests: Vec<Test>,
    /// The generations of all of them, for a store that knows no globs.
    pub(crate) generations: Vec<String>,
}

impl OwnKeys {
    pub(super) fn has(&self, key: &str) -> bool {
        self.tests.iter().any(|test| test(key))
    }
}

/// The same, as it is at the moment; shared by all stores of a `Caches`.
pub(crate) struct Owned(RwLock<Arc<OwnKeys>>);

impl Owned {
    pub(crate) fn new(keys: OwnKeys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    pub(super) fn now(&self) -> Arc<OwnKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these are the `Caches`' own too.
    pub(crate) fn add(&self, keys: OwnKeys) {
        let mut own = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::make_mut(&mut own);
        own.globs.extend(keys.globs);
        own.tests.extend(keys.tests);
        own.generations.extend(keys.generations);
    }
}

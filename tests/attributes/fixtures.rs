//! What these tests share.

use cached_runtime::Caches;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often a body ran.
#[derive(Debug, Default)]
pub struct Runs(AtomicU64);

impl Runs {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// One more.
    pub fn count(&self) -> u64 {
        self.0.fetch_add(1, Relaxed) + 1
    }

    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Caches of one test, in memory.
///
/// # Panics
///
/// If the annotated functions of this program contradict each other.
#[must_use]
pub fn caches() -> Caches {
    Caches::builder()
        .backend(["local"])
        .build()
        .expect("annotated functions that go together")
}

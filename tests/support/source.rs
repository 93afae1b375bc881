//! What cached functions of tests read.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{CacheStats, TierStats};
use tokio::sync::Notify;

/// What a cached function reads.
#[derive(Default)]
pub struct Source {
    value: AtomicU64,
    loads: AtomicU64,
}

impl Source {
    /// One that says this.
    pub fn of(value: u64) -> Self {
        let source = Self::default();
        source.set(value);
        source
    }

    /// From now on it says this.
    pub fn set(&self, value: u64) {
        self.value.store(value, SeqCst);
    }

    /// A run of a body.
    pub fn load(&self) -> u64 {
        self.loads.fetch_add(1, SeqCst);
        self.value.load(SeqCst)
    }

    /// How many bodies have run.
    pub fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

/// A source whose answer is on its way until somebody lets it through: it says what was true when it was asked.
#[derive(Default)]
pub struct Gate {
    source: Source,
    begun: Notify,
    open: Notify,
}

impl Gate {
    /// One whose source says this.
    pub fn of(value: u64) -> Self {
        Self {
            source: Source::of(value),
            ..Self::default()
        }
    }

    /// How many bodies have run.
    pub fn loads(&self) -> u64 {
        self.source.loads()
    }

    /// A run of a body.
    pub async fn load(&self) -> u64 {
        let value = self.source.load();
        self.begun.notify_one();
        self.open.notified().await;
        value
    }

    /// Returns once a body runs.
    pub async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Lets one body through, now or later.
    pub fn open(&self) {
        self.open.notify_one();
    }
}

/// The statistics of one tier.
pub fn tier(cache: &CacheStats, store: &str) -> TierStats {
    cache
        .tiers
        .iter()
        .find(|tier| tier.store == store)
        .unwrap_or_else(|| panic!("no tier {store} in {cache:?}"))
        .clone()
}

//! What happened since the start, by cache and tier. Counting is relaxed: each number is exact, two numbers read
//! while calls are under way may be from slightly different moments.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

/// Every cache of a [`Caches`](crate::Caches) and every store they use. Displays as a table; serializes.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Why nothing is cached, where that is so: caching is off, or a first call found an environment that cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncached: Option<String>,
    /// One for each cached function that has been called and each cache that was made by name, in the order of their names.
    pub caches: Vec<CacheStats>,
    /// One for each registered store.
    pub stores: Vec<StoreStats>,
}

/// One cached function, or one cache that was made by name.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct CacheStats {
    /// The cache's name.
    pub name: String,
    /// Calls answered from a tier.
    pub hits: u64,
    /// Calls that no tier could answer: those that loaded and those that waited for a load; and entries that `get` or
    /// `get_many` did not find. Calls that looked nowhere are none: those under `Mode::Refresh` and `Mode::Off`, and of
    /// functions that run uncached.
    pub misses: u64,
    /// Runs of the body, but those past the cache, under `Mode::Off` or of functions that run uncached; a batch that runs its
    /// body counts one for each of its ids.
    pub loads: u64,
    /// Those that returned an error or panicked.
    pub failed_loads: u64,
    /// Runs of the body that a hit has started in the background; counted as loads too.
    pub reloads: u64,
    /// Writes under `write_behind` that the source is yet to get.
    pub pending_writes: u64,
    /// Those it has refused for good, since the start.
    pub failed_writes: u64,
    /// Runs of such writes that failed and were repeated.
    pub repeated_writes: u64,
    /// Entries that memory has dropped to stay within its bound.
    pub evictions: u64,
    /// Entries in memory, those past their life included until they are replaced or evicted.
    pub entries: u64,
    /// The tiers of the chain, fastest first.
    pub tiers: Vec<TierStats>,
}

impl CacheStats {
    /// Two instantiations of one function taken together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.hits += other.hits;
        self.misses += other.misses;
        self.loads += other.loads;
        self.failed_loads += other.failed_loads;
        self.reloads += other.reloads;
        self.pending_writes += other.pending_writes;
        self.failed_writes += other.failed_writes;
        self.repeated_writes += other.repeated_writes;
        self.evictions += other.evictions;
        self.entries += other.entries;
        for (tier, more) in self.tiers.iter_mut().zip(other.tiers) {
            tier.hits += more.hits;
            tier.misses += more.misses;
            tier.rejected += more.rejected;
            tier.refused += more.refused;
            tier.entries = tier.entries.zip(more.entries).map(|(a, b)| a + b);
            tier.evictions = tier.evictions.zip(more.evictions).map(|(a, b)| a + b);
        }
        self
    }
}

/// One tier of one cached function.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct TierStats {
    /// The store's name.
    pub store: String,
    /// Look-ups answered here.
    pub hits: u64,
    /// Look-ups not answered here.
    pub misses: u64,
    /// Entries, where the tier can tell.
    pub entries: Option<u64>,
    /// Entries dropped to stay within the bound, where the tier can tell.
    pub evictions: Option<u64>,
    /// What was found and could not be used: cut short, corrupted, of another type or version.
    pub rejected: u64,
    /// Fills refused because the entry was invalidated or filled anew while its load ran.
    pub refused: u64,
}

/// One registered store.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct StoreStats {
    /// Its name.
    pub name: String,
    /// Calls that failed or took longer than the time budget.
    pub failures: u64,
    /// It is taken to be down and not asked.
    pub down: bool,
    /// Removals wait to be delivered to it.
    pub pending_removals: bool,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.uncached {
            writeln!(f, "nothing is cached: {why}")?;
        }
        let name = |cache: &CacheStats| cache.name.len();
        let wide = self.caches.iter().map(name).max().unwrap_or(0).max("cache".len());
        writeln!(
            f,
            "{:wide$}  {:>10} {:>10} {:>8} {:>7} {:>9} {:>9}  tiers (hits)",
            "cache", "hits", "misses", "loads", "failed", "evicted", "entries"
        )?;
        for cache in &self.caches {
            write!(f, "{:wide$}  ", cache.name)?;
            write!(f, "{:>10} {:>10} {:>8} ", cache.hits, cache.misses, cache.loads)?;
            write!(
                f,
                "{:>7} {:>9} {:>9}  ",
                cache.failed_loads, cache.evictions, cache.entries
            )?;
            let tiers: Vec<_> = cache
                .tiers
                .iter()
                .map(|tier| format!("{} {}", tier.store, tier.hits))
                .collect();
            write!(f, "{}", tiers.join(", "))?;
            let rejected = cache.tiers.iter().map(|tier| tier.rejected).sum();
            // Of most caches there are none of these.
            for (count, what) in [
                (rejected, "cannot be read"),
                (cache.reloads, "loads in the background"),
                (cache.pending_writes, "writes pending"),
                (cache.repeated_writes, "writes repeated"),
                (cache.failed_writes, "writes failed"),
            ] {
                if count > 0 {
                    write!(f, "; {count} {what}")?;
                }
            }
            writeln!(f)?;
        }
        for store in &self.stores {
            let state = if store.down { "down" } else { "up" };
            let pending = if store.pending_removals {
                ", removals pending"
            } else {
                ""
            };
            writeln!(
                f,
                "store {}: {state}, {} failures{pending}",
                store.name, store.failures
            )?;
        }
        Ok(())
    }
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is counted for a function outside of its tiers.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) misses: Count,
    pub(crate) loads: Count,
    pub(crate) failed_loads: Count,
    pub(crate) reloads: Count,
    /// Look-ups in memory that found nothing.
    pub(crate) memory_misses: Count,
    /// Fills of memory that were refused.
    pub(crate) memory_refused: Count,
}

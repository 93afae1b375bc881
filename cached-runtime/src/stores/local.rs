//! `local`: the memory tier's engine, `quick_cache` in shards of our own.
//!
//! The shards are ours for three reasons. A hit reads the value under the shard's shared lock and clones only what the
//! caller gets. A fill can be refused under the same lock that a removal takes, which is what makes an invalidation
//! final. And what is evicted is dropped after the lock is released, since a value's destructor is the user's code.
//!
//! Eviction is `quick_cache`'s (a variant of S3-FIFO and CLOCK-Pro, by Arthur Silva).

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use quick_cache::unsync::Cache as Engine;
use quick_cache::{Equivalent, Lifecycle, OptionsBuilder, Weighter};

use crate::entry::Held;
use crate::key::{KeyBytes, same};
use crate::stats::Striped;
use crate::tier::memory::{Bound, Probe};

type Entries = Engine<StoredKey, Held, ByWeight, Prehashed, Collect>;

/// More shards than cores that could meet in one.
const MOST_SHARDS: u64 = 64;
/// Below this, the bound of a shard is too small a part of the whole for the sum to be a fair bound.
const LEAST_ENTRIES: u64 = 128;
/// For how many evicted keys, of those that fit, it is remembered that they were there. The engine's own default is a
/// half; a little more finds 0.7 % more of a trace that is a third scan, and 0.1 to 0.2 % less of plain Zipf traces.
const GHOSTS: f64 = 0.6;
/// A value heavier than its shard is never kept, so shards of a tier bound by bytes are large.
const LEAST_BYTES: u64 = 16 << 20;

pub(crate) struct Local {
    shards: Box<[Shard]>,
    hits: Striped,
}

/// Padded, so that the locks of two shards never share a cache line.
#[repr(align(128))]
struct Shard {
    entries: RwLock<Entries>,
    evictions: AtomicU64,
    /// Of `entries`, so that nobody needs the lock to be told: a value's `clone` runs under it, and may ask.
    len: AtomicU64,
}

impl Local {
    pub(crate) fn new(bound: Bound) -> Self {
        let (total, least) = match bound {
            Bound::Entries(entries) => (entries, LEAST_ENTRIES),
            Bound::Bytes { bytes, .. } => (bytes, LEAST_BYTES),
        };
        let wanted = (total / least).clamp(1, MOST_SHARDS);
        let shards = 1 << wanted.ilog2();
        let weight = (total / shards).max(1);
        let items = match bound {
            Bound::Entries(_) => weight,
            // A guess that only sizes the history of evicted keys.
            Bound::Bytes { .. } => (weight / 1024).clamp(16, 1 << 20),
        };
        Self {
            shards: (0..shards)
                .map(|_| Shard::new(usize::try_from(items).unwrap_or(usize::MAX), weight))
                .collect(),
            hits: Striped::default(),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        let index = usize::try_from((hash >> 40) & (MOST_SHARDS - 1)).unwrap_or(0);
        &self.shards[index & (self.shards.len() - 1)]
    }

    /// Lets `look` see the record of a key, under the shard's shared lock; a hit is what `look` makes something of.
    #[inline]
    pub(crate) fn read<R>(&self, probe: &Probe<'_>, look: impl FnOnce(&Held) -> Option<R>) -> Option<R> {
        let shard = self.shard(probe.hash);
        let seen = shard.read().get(&Query(probe)).and_then(look);
        if seen.is_some() {
            self.hits.add_one();
        }
        seen
    }

    /// Keeps `held` if `admit` allows it in view of what is there now. Nothing can remove the key in between.
    pub(crate) fn insert(
        &self,
        probe: Probe<'_>,
        held: Held,
        admit: impl FnOnce(Option<&Held>) -> bool,
    ) -> bool {
        let shard = self.shard(probe.hash);
        let key = StoredKey {
            hash: probe.hash,
            bytes: KeyBytes::from(probe.bytes),
        };
        let mut evicted = Evicted {
            filled: probe.hash,
            ..Evicted::default()
        };
        let mut entries = shard.write();
        let present = entries.peek(&Query(&probe));
        if !admit(present) {
            return false;
        }
        // Kept alive until the lock is free again.
        let replaced = present.map(|held| held.content.clone());
        entries.insert_with_lifecycle(key, held, &mut evicted);
        shard.counted(&entries);
        drop(entries);
        shard.evictions.fetch_add(evicted.others, Relaxed);
        drop((replaced, evicted));
        true
    }

    pub(crate) fn remove(&self, probe: Probe<'_>) -> bool {
        let shard = self.shard(probe.hash);
        let mut entries = shard.write();
        let removed = entries.remove(&Query(&probe));
        shard.counted(&entries);
        drop(entries);
        removed.is_some()
    }

    /// Removes every record that `doomed` names, shard by shard.
    pub(crate) fn remove_if(&self, mut doomed: impl FnMut(&[u8]) -> bool) -> u64 {
        let mut count = 0;
        for shard in &self.shards {
            let mut entries = shard.write();
            let keys: Vec<StoredKey> = entries
                .iter()
                .filter(|(key, _)| doomed(&key.bytes))
                .map(|(key, _)| key.clone())
                .collect();
            let removed: Vec<_> = keys.iter().filter_map(|key| entries.remove(key)).collect();
            shard.counted(&entries);
            drop(entries);
            count += removed.len() as u64;
        }
        count
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut entries = shard.write();
            let removed: Vec<_> = entries.drain().collect();
            shard.counted(&entries);
            drop(entries);
            drop(removed);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len.load(Relaxed)).sum()
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.get()
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| shard.evictions.load(Relaxed))
            .sum()
    }
}

impl Shard {
    fn new(items: usize, weight: u64) -> Self {
        let mut options = OptionsBuilder::new();
        options
            .estimated_items_capacity(items)
            .weight_capacity(weight)
            .ghost_allocation(GHOSTS);
        let engine = match options.build() {
            Ok(options) => Engine::with_options(options, ByWeight, Prehashed, Collect),
            // Only if a bound was not set; both are.
            Err(_) => Engine::with(items, weight, ByWeight, Prehashed, Collect),
        };
        Self {
            entries: RwLock::new(engine),
            evictions: AtomicU64::new(0),
            len: AtomicU64::new(0),
        }
    }

    fn counted(&self, entries: &Entries) {
        self.len.store(entries.len() as u64, Relaxed);
    }

    /// A panic under the lock can only come from a value's own code, after which the engine is as it was.
    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, PartialEq, Eq)]
struct StoredKey {
    hash: u64,
    bytes: KeyBytes,
}

impl Hash for StoredKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

struct Query<'a>(&'a Probe<'a>);

impl Hash for Query<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Equivalent<StoredKey> for Query<'_> {
    #[inline]
    fn equivalent(&self, key: &StoredKey) -> bool {
        self.0.hash == key.hash && same(self.0.bytes, &key.bytes)
    }
}

/// Hands the hash through that the call has made already.
#[derive(Clone)]
struct Prehashed;

struct Through(u64);

impl BuildHasher for Prehashed {
    type Hasher = Through;

    fn build_hasher(&self) -> Through {
        Through(0)
    }
}

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<StoredKey, Held> for ByWeight {
    fn weight(&self, _key: &StoredKey, held: &Held) -> u64 {
        held.weight
    }
}

/// Collects what an insertion evicts.
#[derive(Clone)]
struct Collect;

#[derive(Default)]
struct Evicted {
    held: Vec<Held>,
    /// Of the key that is filled: what it had before makes room for nothing but itself.
    filled: u64,
    others: u64,
}

impl Lifecycle<StoredKey, Held> for Collect {
    type RequestState = Evicted;

    fn on_evict(&self, evicted: &mut Evicted, key: StoredKey, held: Held) {
        evicted.others += u64::from(key.hash != evicted.filled);
        evicted.held.push(held);
    }
}

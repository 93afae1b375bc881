//! `local`: the memory tier's engine, in shards.
//!
//! A hit takes its shard's lock, finds the entry and takes its content along; a clone of the value is made when the lock is
//! free again, since it is the user's code, as the destructors of what is evicted are. A fill can be refused under the same
//! lock that a removal takes, which is what makes an invalidation final.
//!
//! An engine of our own, with the way of evicting of `quick_cache`: what a hit reads of its entries is spread over two or three
//! cache lines instead of half of one, and it is read under a lock of two atomic exchanges instead of one. Among ten thousand
//! entries a hit took 35 ns with it where it took 26 with this, before the index became our own too (`compare hits` in
//! `benches`, one thread, an AMD EPYC of the fifth generation).
//!
//! Slower, by four and five nanoseconds on one thread and no faster on two: a lock for each entry instead of one for the shard,
//! and the lock-free map `papaya`. The exchange that takes the lock of a shard is under way while the entry is looked for; where
//! it can only be begun, or has to end, once that is found, it is waited for.

mod entries;
mod ghosts;
mod index;
mod lock;
mod ring;

use self::entries::{Entries, Gone, Room};
use self::lock::Lock;
use crate::clock::{SAMPLE, Tick};
use crate::entry::{Content, Held, Seen, Wants};
use crate::tier::memory::{Bound, Glance, Probe, Sought};

/// More shards than cores that could meet in one.
const MOST_SHARDS: u64 = 64;
/// Below this, the bound of a shard is too small a part of the whole for the sum to be a fair bound.
const LEAST_ENTRIES: u64 = 128;
/// A value heavier than its shard is never kept, so shards of a tier bound by bytes are large.
const LEAST_BYTES: u64 = 16 << 20;
/// For how many evicted keys, in percent of the entries that fit, it is remembered that they were there.
const GHOSTS: u64 = 60;
/// Places looked through under one hold of the lock.
const AT_ONCE: u32 = 512;

pub(crate) struct Local {
    shards: Box<[Shard]>,
    room: Room,
}

/// Padded, so that the locks of two shards never share a cache line.
#[repr(align(128))]
struct Shard(Lock<Entries>);

const _: () = assert!(
    size_of::<Shard>() <= 256,
    "a program has 64 for each of its functions"
);

/// The hits of a shard are counted from here on, so that those of shards which are read alike do not become a sample at the
/// same time.
fn count_from(index: u64, shards: u64) -> u64 {
    index * (SAMPLE / shards)
}

impl Local {
    pub(crate) fn new(bound: Bound) -> Self {
        let (total, least) = match bound {
            Bound::Entries(entries) => (entries, LEAST_ENTRIES),
            Bound::Bytes { bytes, .. } => (bytes, LEAST_BYTES),
        };
        let wanted = (total / least).clamp(1, MOST_SHARDS);
        let shards = 1 << wanted.ilog2();
        let most = (total / shards).max(1);
        let items = match bound {
            Bound::Entries(_) => most,
            // A guess that only sizes the history of evicted keys.
            Bound::Bytes { .. } => (most / 1024).clamp(16, 1 << 20),
        };
        let ghosts = usize::try_from(items / 100 * GHOSTS + items % 100 * GHOSTS / 100).unwrap_or(usize::MAX);
        let room = Room { most, ghosts };
        Self {
            shards: (0..shards)
                .map(|index| Shard(Lock::new(Entries::counting_from(count_from(index, shards), room))))
                .collect(),
            room,
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Lock<Entries> {
        let index = usize::try_from(hash >> 40).unwrap_or(0);
        &self.shards[index & (self.shards.len() - 1)].0
    }

    /// What `take` takes of what is kept for a key, if the lock is free and it is a hit that asks for nothing.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(crate) fn glance<R>(
        &self,
        sought: impl Sought,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Glance<R> {
        match self.shard(sought.hash()).try_lock() {
            Some(mut entries) => entries.glance(sought, now, take),
            None => Glance::Unsure,
        }
    }

    /// What `take` takes of what is kept for a key, under the shard's lock: a hit. And what one that is due at `now` asks for.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(crate) fn read<R>(
        &self,
        sought: impl Sought,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Option<(R, Wants)> {
        self.shard(sought.hash()).lock().read(sought, now, take)
    }

    /// Lets `see` have a look at the entry of a key, under the shard's lock: no hit.
    pub(crate) fn peek<R>(&self, probe: &Probe<'_>, see: impl FnOnce(&Seen<'_>) -> Option<R>) -> Option<R> {
        let entries = self.shard(probe.hash).lock();
        entries.peek(probe).and_then(|seen| see(&seen))
    }

    /// Keeps `held` if `admit` allows it in view of when the load of what is there now began. Nothing can remove the key in
    /// between.
    pub(crate) fn insert(
        &self,
        probe: Probe<'_>,
        held: Held,
        admit: impl FnOnce(Option<u64>) -> bool,
    ) -> bool {
        // Dropped when the lock is free again.
        let mut gone = Gone::default();
        self.shard(probe.hash)
            .lock()
            .insert(&probe, held, admit, &mut gone)
    }

    pub(crate) fn remove(&self, probe: Probe<'_>) -> bool {
        let removed = self.shard(probe.hash).lock().remove(&probe);
        removed.is_some()
    }

    /// Removes every record that `doomed` names, some places at a time: nobody waits for a whole shard.
    pub(crate) fn remove_if(&self, mut doomed: impl FnMut(&[u8]) -> bool) -> u64 {
        let mut count = 0;
        for shard in &self.shards {
            let mut from = Some(0);
            while let Some(place) = from {
                let (removed, next) = shard.0.lock().remove_some(place, AT_ONCE, &mut doomed);
                count += removed.len() as u64;
                from = next;
            }
        }
        count
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut empty = Entries::new(self.room);
            let mut entries = shard.0.lock();
            (empty.hits, empty.evictions) = (entries.hits, entries.evictions);
            let removed = std::mem::replace(&mut *entries, empty);
            drop(entries);
            drop(removed);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.sum(Entries::len)
    }

    pub(crate) fn hits(&self) -> u64 {
        let shards = self.shards.len() as u64;
        let from: u64 = (0..shards).map(|index| count_from(index, shards)).sum();
        self.sum(|entries| entries.hits) - from
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.sum(|entries| entries.evictions)
    }

    fn sum(&self, count: impl Fn(&Entries) -> u64) -> u64 {
        self.shards.iter().map(|shard| count(&shard.0.lock())).sum()
    }
}

#[cfg(test)]
mod tests;

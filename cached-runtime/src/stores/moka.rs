//! `moka`: a memory tier by the crate of that name, for those who want its W-TinyLFU (by name: `backend = "moka"`).
//!
//! `moka` has no lock to refuse a fill under, so fills of a key hold one of ours, which an invalidation takes in passing: once
//! it has, every fill that was let in before has landed and can be removed.
//!
//! `moka` drops values when it sees fit, some while it tidies up under a lock or moves its table. A value's `drop` may ask for
//! statistics, or remove an entry, which would wait for what it is called from: so what `moka` drops goes when this thread is
//! out of it, hence [`Inside`] and [`Kept`].

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::notification::RemovalCause;
use moka::sync::Cache;

use crate::clock::{SAMPLE, Tick};
use crate::entry::{Content, Held, Seen, Wants};
use crate::key::KeyBytes;
use crate::tier::memory::{Bound, Probe};

/// So many fills at a time at most. Hits take no lock of these.
const STRIPES: usize = 64;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// What was dropped inside.
    static GONE: RefCell<Vec<Arc<Held>>> = const { RefCell::new(Vec::new()) };
}

/// This thread is inside of a `moka`, whichever.
struct Inside {
    outer: bool,
}

impl Inside {
    fn enter() -> Self {
        Self {
            outer: INSIDE.replace(true),
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.outer);
        if !self.outer {
            // A thread that is about to end has no list any more.
            let gone = GONE.try_with(RefCell::take);
            drop(gone);
        }
    }
}

/// A record as `moka` has it.
#[derive(Clone)]
struct Kept(Option<Arc<Held>>);

impl Kept {
    fn new(held: Held) -> Self {
        Self(Some(Arc::new(held)))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if INSIDE.get()
            && let Some(held) = self.0.take()
        {
            let _ = GONE.try_with(|gone| gone.borrow_mut().push(held));
        }
    }
}

fn lock(stripe: &Mutex<()>) -> MutexGuard<'_, ()> {
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Moka {
    entries: Cache<KeyBytes, Kept, foldhash::fast::RandomState>,
    /// Fills of one key come one after the other, and after the removal that passes.
    stripes: Box<[Mutex<()>]>,
    hits: AtomicU64,
    evictions: Arc<AtomicU64>,
}

impl Moka {
    pub(crate) fn new(bound: Bound) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&evictions);
        let builder = match bound {
            // Without weights of one each: with any, `moka` makes its history of keys too short, and hits a tenth less often.
            Bound::Entries(entries) => Cache::builder().max_capacity(entries),
            Bound::Bytes { bytes, .. } => Cache::builder().max_capacity(bytes).weigher(|_, kept: &Kept| {
                let weight = kept.0.as_ref().map_or(1, |held| held.rest.weight);
                u32::try_from(weight).unwrap_or(u32::MAX)
            }),
        };
        let entries = builder
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    count.fetch_add(1, Relaxed);
                }
            })
            .build_with_hasher(foldhash::fast::RandomState::default());
        Self {
            entries,
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hits: AtomicU64::new(0),
            evictions,
        }
    }

    /// What `take` takes of what is kept for a key: a hit. And what one that is due at `now` asks for.
    pub(crate) fn read<R>(
        &self,
        probe: Probe<'_>,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Option<(R, Wants)> {
        let mut found = self.peek(&probe, |seen| {
            let wants = if now < seen.due {
                Wants::NOTHING
            } else {
                seen.late(now)?
            };
            Some((take(seen.content), wants))
        });
        if let Some((_, wants)) = &mut found {
            let hits = self.hits.fetch_add(1, Relaxed) + 1;
            *wants = wants.and_if(hits.is_multiple_of(SAMPLE), Wants::SAMPLE);
        }
        found
    }

    /// Lets `see` have a look at the entry of a key: no hit.
    pub(crate) fn peek<R>(&self, probe: &Probe<'_>, see: impl FnOnce(&Seen<'_>) -> Option<R>) -> Option<R> {
        let inside = Inside::enter();
        let kept = self.entries.get(probe.bytes);
        drop(inside);
        see(&kept?.0.as_ref()?.seen())
    }

    /// Whether there is a record of a key that was not there a moment ago. `moka` counts every look towards a key's being
    /// worth its place, hit or miss, and this one is not the caller's.
    pub(crate) fn has(&self, probe: &Probe<'_>) -> bool {
        let _inside = Inside::enter();
        self.entries.contains_key(probe.bytes)
    }

    pub(crate) fn insert(
        &self,
        probe: Probe<'_>,
        held: Held,
        admit: impl FnOnce(Option<u64>) -> bool,
    ) -> bool {
        let _inside = Inside::enter();
        let kept = Kept::new(held);
        let _alone = self.stripe(probe.hash);
        let admitted = admit(self.began(&probe));
        if admitted {
            self.entries.insert(KeyBytes::from(probe.bytes), kept);
        }
        admitted
    }

    /// Other fills of a key, and of some others, wait for this.
    fn stripe(&self, hash: u64) -> MutexGuard<'_, ()> {
        let index = usize::try_from(hash >> 40).unwrap_or(0) % self.stripes.len();
        lock(&self.stripes[index])
    }

    /// When the load of what is there began. One that is not there is not counted as asked for once more, as `moka`'s own way
    /// to look and put does: keys that are away would get the place of those that are there.
    fn began(&self, probe: &Probe<'_>) -> Option<u64> {
        if !self.entries.contains_key(probe.bytes) {
            return None;
        }
        let present = self.entries.get(probe.bytes)?;
        present.0.as_ref().map(|held| held.rest.began)
    }

    /// Waits for the fills of a key that were let in before: they are seen from here on.
    pub(crate) fn settle(&self, probe: &Probe<'_>) {
        let _inside = Inside::enter();
        drop(self.stripe(probe.hash));
    }

    /// The same of all keys.
    fn settle_all(&self) {
        self.stripes.iter().for_each(|stripe| drop(lock(stripe)));
    }

    pub(crate) fn remove(&self, probe: Probe<'_>) -> bool {
        self.settle(&probe);
        let _inside = Inside::enter();
        self.entries.remove(probe.bytes).is_some()
    }

    pub(crate) fn remove_if(&self, mut doomed: impl FnMut(&[u8]) -> bool) -> u64 {
        let _inside = Inside::enter();
        self.settle_all();
        let keys: Vec<_> = self
            .entries
            .iter()
            .map(|(key, _)| key)
            .filter(|key| doomed(key))
            .collect();
        keys.iter()
            .filter(|key| self.entries.remove(&***key).is_some())
            .count() as u64
    }

    /// One by one. What `invalidate_all` only marks as too old is overwritten in place by the next fill, which dates it anew
    /// a moment before it has the new value: whoever reads then is given the old one.
    pub(crate) fn clear(&self) {
        self.remove_if(|_| true);
    }

    /// Brings the counts up to date.
    fn tidy(&self) {
        let _inside = Inside::enter();
        self.entries.run_pending_tasks();
    }

    pub(crate) fn len(&self) -> u64 {
        self.tidy();
        self.entries.entry_count()
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.tidy();
        self.evictions.load(Relaxed)
    }
}

//! Generation stamps: how a memory tier refuses what was loaded before an invalidation.
//!
//! A load takes the stamp of its key before it begins; an invalidation moves the stamp on before it removes the entry;
//! a fill is let in only while the stamp is the one its load took, checked under the same lock that the removal takes.
//! So no order of the three leaves an old value behind.
//!
//! Stamps are striped by hash. Two keys of one stripe share a stamp: an invalidation of one may refuse a fill of the
//! other, which costs one more load and is never wrong.
//!
//! All stamps are drawn from one count, so that a stamp also tells whether it was moved on since a [`Moment`] at which
//! nobody knew yet which key it would be about.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

/// 128 KiB a `Caches`: at 10,000 invalidations a second and loads of 50 ms, 3 % of fills are refused needlessly.
const STRIPES: usize = 1 << 14;

/// The generation of an entry's invalidations at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    key: u64,
    cache: u64,
}

/// A place in the order of all invalidations of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(u64);

static LAST: AtomicU64 = AtomicU64::new(0);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(LAST.load(SeqCst))
    }

    fn next() -> u64 {
        LAST.fetch_add(1, SeqCst) + 1
    }
}

/// Moves a stamp on.
fn advance(stamp: &AtomicU64) {
    // Others that drew later may have been faster; it must move on all the same.
    while let next = Moment::next()
        && stamp.fetch_max(next, SeqCst) >= next
    {}
}

/// The striped generations shared by all functions of one `Caches`.
pub(crate) struct Stripes(Box<[AtomicU64]>);

impl Stripes {
    pub(crate) fn new() -> Self {
        Self((0..STRIPES).map(|_| AtomicU64::new(0)).collect())
    }

    fn of(&self, hash: u64) -> &AtomicU64 {
        &self.0[place(hash)]
    }
}

fn place(hash: u64) -> usize {
    // The low bits choose the bucket and the high ones the tag inside a table; these are used by neither.
    usize::try_from((hash >> 24) & 0xFFFF_FFFF).unwrap_or(0) % STRIPES
}

/// Of the keys of one call, several may share a stamp, which moves on once for all of them.
#[derive(Default)]
pub(crate) struct Once(HashMap<(usize, Stamp), Option<Stamp>>);

impl Once {
    /// As [`Stamps::advance_from`].
    pub(crate) fn advance_from(&mut self, stamps: &Stamps, hash: u64, stamp: Stamp) -> Option<Stamp> {
        let moved = self.0.entry((stamps.place(hash), stamp));
        *moved.or_insert_with(|| stamps.advance_from(hash, stamp))
    }

    /// The same, but it moves on in any case: for each of those whose stamp had moved on before.
    pub(crate) fn replace(&mut self, stamps: &Stamps, hash: u64, stamp: Option<Stamp>) -> Option<Stamp> {
        let moved = stamp.and_then(|stamp| self.advance_from(stamps, hash, stamp));
        if moved.is_none() {
            stamps.advance(hash);
        }
        moved
    }
}

/// The stamps of one function's keys.
pub(crate) struct Stamps {
    stripes: Arc<Stripes>,
    /// Two functions of one argument hash it to the same: they must not meet in one stripe at each of its values.
    salt: u64,
    /// Moved on by what concerns keys that are not known one by one: a pattern, the whole cache.
    cache: AtomicU64,
}

impl Stamps {
    pub(crate) fn new(stripes: Arc<Stripes>) -> Self {
        Self {
            stripes,
            salt: fastrand::u64(..),
            cache: AtomicU64::new(0),
        }
    }

    fn stripe(&self, hash: u64) -> &AtomicU64 {
        self.stripes.of(hash ^ self.salt)
    }

    /// Which keys share a stamp: those of one place.
    pub(crate) fn place(&self, hash: u64) -> usize {
        place(hash ^ self.salt)
    }

    pub(crate) fn now(&self, hash: u64) -> Stamp {
        Stamp {
            key: self.stripe(hash).load(SeqCst),
            cache: self.cache.load(SeqCst),
        }
    }

    /// Moves the stamp of one key on: from here on nothing of it that was stamped before is let in.
    pub(crate) fn advance(&self, hash: u64) {
        advance(self.stripe(hash));
    }

    /// The same, and what it is then.
    pub(crate) fn moved_on(&self, hash: u64) -> Stamp {
        self.advance(hash);
        self.now(hash)
    }

    /// Moves it on from `stamp`, and says what it is then; `None` if it is not that any more.
    pub(crate) fn advance_from(&self, hash: u64, stamp: Stamp) -> Option<Stamp> {
        let key = Moment::next();
        let moved = self.stripe(hash).compare_exchange(stamp.key, key, SeqCst, SeqCst);
        let stands = moved.is_ok() && self.cache.load(SeqCst) == stamp.cache;
        stands.then_some(Stamp { key, ..stamp })
    }

    /// The same, but it moves on in any case.
    pub(crate) fn replace(&self, hash: u64, stamp: Option<Stamp>) -> Option<Stamp> {
        Once::default().replace(self, hash, stamp)
    }

    /// The stamp of one key, unless it has moved on since.
    pub(crate) fn since(&self, hash: u64, moment: Moment) -> Option<Stamp> {
        let stamp = self.now(hash);
        (stamp.key.max(stamp.cache) <= moment.0).then_some(stamp)
    }

    /// Moves the stamps of all keys of this function on.
    pub(crate) fn advance_all(&self) {
        advance(&self.cache);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: u64 = 7;

    fn stamps() -> Stamps {
        Stamps::new(Arc::new(Stripes::new()))
    }

    #[test]
    fn keys_of_one_call_that_share_a_stamp_move_it_on_once() {
        let stamps = stamps();
        let (stamp, mut once) = (stamps.now(HASH), Once::default());
        let moved = once.replace(&stamps, HASH, Some(stamp)).unwrap();
        assert_ne!(moved, stamp);
        assert_eq!(once.replace(&stamps, HASH, Some(stamp)), Some(moved));
        assert_eq!(stamps.now(HASH), moved);
        // Of another call, which has been overtaken.
        assert_eq!(stamps.replace(HASH, Some(stamp)), None);
        assert_ne!(stamps.now(HASH), moved);
    }

    #[test]
    fn what_has_moved_on_moves_on_all_the_same() {
        let invalidations: [fn(&Stamps); 2] = [|stamps| stamps.advance(HASH), Stamps::advance_all];
        for invalidate in invalidations {
            let stamps = stamps();
            let (stamp, moment) = (stamps.now(HASH), Moment::now());
            invalidate(&stamps);
            for stamp in [Some(stamp), None] {
                let before = stamps.now(HASH);
                assert_eq!(stamps.replace(HASH, stamp), None);
                assert_ne!(stamps.now(HASH), before);
            }
            assert_eq!(stamps.since(HASH, moment), None);
        }
    }
}

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
//!
//! A refresh moves the stamp on too, before it takes the place of what is there, but in its last bits alone. So those who
//! refresh one key, or keys of one stripe, at the same time do not take each other for invalidations.

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

/// The last bits of a key's stamp count the refreshes since it was drawn.
const REFRESHES: u32 = 16;
const MOST_REFRESHES: u64 = (1 << REFRESHES) - 1;

/// Moves a stamp on to one that is drawn by `next`.
fn advance(stamp: &AtomicU64, next: impl Fn() -> u64) {
    // Others that drew later may have been faster; it must move on all the same.
    while let next = next()
        && stamp.fetch_max(next, SeqCst) >= next
    {}
}

/// For a key. Enough are left for nine years of a million a second.
fn next_of_key() -> u64 {
    Moment::next() << REFRESHES
}

/// When a key's stamp was drawn.
fn drawn(key: u64) -> u64 {
    key >> REFRESHES
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
        advance(self.stripe(hash), next_of_key);
    }

    /// The same, and what it is then.
    pub(crate) fn moved_on(&self, hash: u64) -> Stamp {
        self.advance(hash);
        self.now(hash)
    }

    /// Moves it on, and says what it is then; `None` if it had moved on from `stamp` before.
    pub(crate) fn advance_from(&self, hash: u64, stamp: Stamp) -> Option<Stamp> {
        let key = next_of_key();
        let moved = self.stripe(hash).compare_exchange(stamp.key, key, SeqCst, SeqCst);
        let stands = moved.is_ok() && self.cache.load(SeqCst) == stamp.cache;
        stands.then_some(Stamp { key, ..stamp })
    }

    /// Moves it on for a refresh, in any case. What it is then; `None` if it had moved on from `stamp` before, but for other
    /// refreshes.
    pub(crate) fn refresh(&self, hash: u64, stamp: Option<Stamp>) -> Option<Stamp> {
        let stripe = self.stripe(hash);
        let is_next = |key: u64| {
            let stands = stamp.is_some_and(|stamp| drawn(stamp.key) == drawn(key));
            (stands && key & MOST_REFRESHES < MOST_REFRESHES).then_some(key + 1)
        };
        let moved = stripe.fetch_update(SeqCst, SeqCst, is_next);
        let (Ok(before), Some(stamp)) = (moved, stamp) else {
            self.advance(hash);
            return None;
        };
        let stands = self.cache.load(SeqCst) == stamp.cache;
        stands.then_some(Stamp {
            key: before + 1,
            ..stamp
        })
    }

    /// The stamp of one key, unless it has moved on since, but for refreshes.
    pub(crate) fn since(&self, hash: u64, moment: Moment) -> Option<Stamp> {
        let stamp = self.now(hash);
        (drawn(stamp.key).max(stamp.cache) <= moment.0).then_some(stamp)
    }

    /// Moves the stamps of all keys of this function on.
    pub(crate) fn advance_all(&self) {
        advance(&self.cache, Moment::next);
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
    fn refreshes_do_not_take_each_other_for_invalidations() {
        let stamps = stamps();
        stamps.advance(HASH);
        let [first, second] = [(); 2].map(|()| stamps.now(HASH));
        let moment = Moment::now();
        let moved = stamps.refresh(HASH, Some(first)).unwrap();
        assert_ne!(moved, first);
        assert_eq!(stamps.now(HASH), moved);
        assert_eq!(stamps.advance_from(HASH, second), None);
        let again = stamps.refresh(HASH, Some(second)).unwrap();
        assert!(again != moved && stamps.now(HASH) == again);
        assert_eq!(stamps.since(HASH, moment), Some(again));
    }

    #[test]
    fn a_refresh_sees_an_invalidation_and_moves_on_all_the_same() {
        let invalidations: [fn(&Stamps); 2] = [|stamps| stamps.advance(HASH), Stamps::advance_all];
        for invalidate in invalidations {
            let stamps = stamps();
            let (stamp, moment) = (stamps.now(HASH), Moment::now());
            invalidate(&stamps);
            let invalidated = stamps.now(HASH);
            assert_eq!(stamps.refresh(HASH, Some(stamp)), None);
            assert_ne!(stamps.now(HASH), invalidated);
            assert_eq!(stamps.since(HASH, moment), None);
            let invalidated = stamps.now(HASH);
            assert_eq!(stamps.refresh(HASH, None), None);
            assert_ne!(stamps.now(HASH), invalidated);
        }
    }

    #[test]
    fn more_refreshes_than_can_be_counted_are_one_invalidation() {
        let stamps = stamps();
        let (mut stamp, mut seen) = (stamps.now(HASH), Vec::new());
        for _ in 0..=MOST_REFRESHES {
            let moved = stamps.refresh(HASH, Some(stamp));
            seen.push(stamps.now(HASH).key);
            match moved {
                Some(moved) => stamp = moved,
                None => break,
            }
        }
        assert_eq!(seen.len() as u64, MOST_REFRESHES + 1);
        assert!(seen.is_sorted_by(|before, after| before < after));
        assert_eq!(stamps.refresh(HASH, Some(stamp)), None);
    }
}

//! The hash of a key, made while the key is written.
//!
//! A hash of the written bytes would first have to wait for them: what has just been stored in pieces cannot be loaded
//! as a whole until it has reached the processor's cache. So each value is mixed in as it is written, and the bytes are
//! read again only when a key comes from elsewhere. Seeded anew in every process; the mixing is the folded multiply of
//! `foldhash` (Orson Peters), which also hashes the texts.

use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::compact::{CLOSE, NONE, OPEN, SOME, Token, Tokens};

/// Zero until the first key is hashed. A single word that orders nothing around it: behind an acquiring load the compiler
/// would read the arguments, which have just been moved into the future, from memory again.
static SEED: AtomicU64 = AtomicU64::new(0);

/// Hashes texts.
static TEXTS: LazyLock<foldhash::fast::RandomState> = LazyLock::new(foldhash::fast::RandomState::default);

#[inline]
fn seed() -> u64 {
    match SEED.load(Relaxed) {
        0 => seed_now(),
        seed => seed,
    }
}

#[cold]
fn seed_now() -> u64 {
    let new = fastrand::u64(1..);
    match SEED.compare_exchange(0, new, Relaxed, Relaxed) {
        Ok(_) => new,
        Err(theirs) => theirs,
    }
}

/// The hash of the values written so far.
#[derive(Clone, Copy)]
pub(super) struct Mixed {
    so_far: u64,
    factor: u64,
}

impl Mixed {
    #[inline]
    pub(super) fn nothing() -> Self {
        let seed = seed();
        Self {
            so_far: seed,
            // Odd, so that a product loses nothing.
            factor: seed.rotate_left(32) | 1,
        }
    }

    #[inline]
    pub(super) fn integer(&mut self, value: u64) {
        self.so_far = fold(self.so_far ^ value, self.factor);
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.integer(TEXTS.hash_one(text.as_bytes()));
    }

    /// What is neither a number nor a text.
    #[inline]
    pub(super) fn mark(&mut self, mark: u8) {
        self.integer(u64::from(mark) << 56);
    }

    #[inline]
    pub(super) fn finish(self) -> u64 {
        // Once more: shards, buckets and stripes are chosen by different parts of it, and after one fold of a number those
        // are not all spread evenly.
        fold(self.so_far, LAST)
    }
}

/// The fraction of the golden ratio: as good as any odd number without a pattern.
const LAST: u64 = 0x9E37_79B9_7F4A_7C15;

/// Both halves of a product: each holds what the other lacks.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// The hash of a key that is one number.
#[inline]
pub(super) fn of_number(number: u64) -> u64 {
    let mut mixed = Mixed::nothing();
    mixed.integer(number);
    mixed.finish()
}

/// The hash of a key that was written before.
pub(crate) fn hash(compact: &[u8]) -> u64 {
    let mut mixed = Mixed::nothing();
    for token in Tokens::new(compact) {
        match token {
            Token::Int(value) => mixed.integer(value),
            Token::Text(text) => mixed.text(text),
            Token::None(around) => {
                mixed.mark(NONE);
                (0..around).for_each(|_| mixed.mark(SOME));
            }
            Token::Open => mixed.mark(OPEN),
            Token::Close => mixed.mark(CLOSE),
        }
    }
    mixed.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::KeyBuf;
    use super::*;

    #[test]
    fn a_key_has_the_hash_of_its_bytes() {
        let mut buf = KeyBuf::new();
        let mut check = |part: &dyn super::super::KeyPart| {
            buf.part(part);
            assert_eq!(buf.hash(), hash(buf.as_bytes()));
        };
        check(&7_u64);
        check(&"acme");
        check(&"42");
        check(&None::<u8>);
        check(&Some(Some(None::<u8>)));
        check(&(1_u8, "a", [Some(2_u8), None]));
        check(&"long ".repeat(100));
        check(&-5);
    }

    #[test]
    fn keys_that_are_near_each_other_are_apart_in_every_part_of_the_hash() {
        let hashes: Vec<u64> = (0..1_u64 << 16)
            .map(|id| KeyBuf::new().part(&id).hash())
            .collect();
        for shift in [0, 8, 24, 40, 48] {
            let parts: HashSet<u64> = hashes.iter().map(|hash| (hash >> shift) & 0xFFFF).collect();
            // Of as many balls in as many bins, a share of 1/e stays empty.
            assert!(parts.len() > 40_000, "{} at {shift}", parts.len());
        }
    }
}

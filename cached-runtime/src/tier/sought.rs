//! A key as memory tiers are asked for it: in its compact form, or as the number that it is.

use crate::key::{Mark, Number};

/// A key to look for: its bytes and their hash, made once a call.
#[derive(Clone, Copy)]
pub(crate) struct Probe<'a> {
    pub(crate) hash: u64,
    pub(crate) bytes: &'a [u8],
}

/// The key that a look is for.
pub(crate) trait Sought: Copy {
    fn hash(self) -> u64;

    fn mark(self) -> Mark;

    /// For those who ask for its bytes.
    fn probed<R>(self, with: impl FnOnce(Probe<'_>) -> R) -> R;
}

impl Sought for Probe<'_> {
    #[inline]
    fn hash(self) -> u64 {
        self.hash
    }

    #[inline]
    fn mark(self) -> Mark {
        Mark::of(self.hash, self.bytes)
    }

    #[inline]
    fn probed<R>(self, with: impl FnOnce(Probe<'_>) -> R) -> R {
        with(self)
    }
}

impl Sought for Number {
    #[inline]
    fn hash(self) -> u64 {
        self.hash
    }

    #[inline]
    fn mark(self) -> Mark {
        Mark::from(self)
    }

    fn probed<R>(self, with: impl FnOnce(Probe<'_>) -> R) -> R {
        let bytes = self.bytes();
        with(Probe {
            hash: self.hash,
            bytes: &bytes,
        })
    }
}

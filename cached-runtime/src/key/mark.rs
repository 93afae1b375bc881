//! What a key is told by before it is compared.

use super::compact::INT;
use super::number::{Compact, Number};

/// A key that is one number is told by that; any other by its hash, and then has to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) bits: u64,
    pub(crate) number: bool,
}

impl Mark {
    /// That of a key in its compact form.
    #[inline]
    pub(crate) fn of(hash: u64, compact: &[u8]) -> Self {
        match compact.try_into() {
            Ok::<Compact, _>([INT, number @ ..]) => Self {
                bits: u64::from_le_bytes(number),
                number: true,
            },
            _ => Self {
                bits: hash,
                number: false,
            },
        }
    }
}

impl From<Number> for Mark {
    #[inline]
    fn from(number: Number) -> Self {
        Self {
            bits: number.value,
            number: true,
        }
    }
}

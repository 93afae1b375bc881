//! A key that is one number, which is looked for as it is: nothing is written for it.

use super::compact::INT;
use super::{KeyBuf, hash};

/// The compact form of a key that is one number.
pub(super) type Compact = [u8; 9];

/// One number, hashed.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    pub(crate) hash: u64,
    pub(crate) value: u64,
}

impl Number {
    #[inline]
    pub(crate) fn new(value: u64) -> Self {
        let hash = hash::of_number(value);
        Self { hash, value }
    }

    /// The compact form of the key.
    pub(crate) fn bytes(self) -> Compact {
        let mut bytes = [INT; 9];
        bytes[1..].copy_from_slice(&self.value.to_le_bytes());
        bytes
    }

    /// The key as it is written.
    pub(crate) fn written(self) -> KeyBuf {
        let mut key = KeyBuf::new();
        key.part(&self.value);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyPart, Mark};

    #[test]
    fn is_the_key_that_is_written_for_it() {
        for value in [0, 1, 9, 10, 255, 256, u64::MAX] {
            let (number, written) = (Number::new(value), Number::new(value).written());
            assert_eq!(
                (number.hash, &number.bytes()[..]),
                (written.hash(), written.as_bytes())
            );
            let is = |part: &dyn KeyPart| {
                let mut key = KeyBuf::new();
                // Of the same hash, whatever it is.
                Mark::of(value, key.part(part).as_bytes()) == Mark::from(number)
            };
            assert!(is(&value) && is(&value.to_string()), "{value}");
            assert!(!is(&(value ^ 1)) && !is(&(value,)) && !is(&None::<u64>) && !is(&"a"));
            assert!(!is(&"123456789") && !is(&"1".repeat(22)) && !is(&"1".repeat(100)));
            assert!(Mark::of(value, &[]) != Mark::from(number));
        }
    }

    #[test]
    fn is_told_by_whatever_is_one() {
        let told = |part: &dyn KeyPart| part.__number();
        let seven = Some(7);
        let parts: [&dyn KeyPart; 8] = [
            &7_u8,
            &7_i64,
            &7_u128,
            &7_usize,
            &&7_u64,
            &Box::new(7_i8),
            &std::sync::Arc::new(7_u16),
            &std::num::NonZeroU32::new(7).unwrap(),
        ];
        assert!(parts.iter().all(|part| told(*part) == seven));
        let others: [&dyn KeyPart; 6] = [&-1_i64, &u128::MAX, &"7", &Some(7), &(7,), &'7'];
        assert!(others.iter().all(|part| told(*part).is_none()));
    }
}

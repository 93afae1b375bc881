//! Integers and `bool`.

use std::num::NonZero;

use crate::key::{KeyPart, KeyWriter, Written};

macro_rules! integers {
    ($($integer:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart for $integer {
            #[inline]
            fn write(&self, key: KeyWriter<'_>) -> Written {
                key.integer(*self)
            }

            #[inline]
            fn __number(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }
        }
    )+};
}

/// Those that `i128` has no `From` for: in decimal past `u64` too.
macro_rules! other_integers {
    ($($integer:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart for $integer {
            #[inline]
            fn write(&self, key: KeyWriter<'_>) -> Written {
                match u64::try_from(*self) {
                    Ok(small) => key.small(small),
                    Err(_) => key.display(format_args!("{self}")),
                }
            }

            #[inline]
            fn __number(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }
        }
    )+};
}

macro_rules! non_zero {
    ($($integer:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart for NonZero<$integer> {
            #[inline]
            fn write(&self, key: KeyWriter<'_>) -> Written {
                self.get().write(key)
            }

            #[inline]
            fn __number(&self) -> Option<u64> {
                self.get().__number()
            }
        }
    )+};
}

integers!(u8, u16, u32, u64, i8, i16, i32, i64, i128);
other_integers!(u128, usize, isize);
non_zero!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

#[diagnostic::do_not_recommend]
impl KeyPart for bool {
    #[inline]
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(if *self { "true" } else { "false" })
    }
}

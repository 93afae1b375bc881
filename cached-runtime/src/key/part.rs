//! The trait of what can be part of a key.

use super::{KeyWriter, Written};

/// What can be part of a key: integers, `bool`, `char`, strings, `Option`s, tuples, slices, arrays, addresses, and with
/// the features of those names `uuid`, `chrono` and `time` types.
///
/// Two values that are not equal must write differently, or two calls share one entry; two values that are equal must
/// write the same, or one call misses what the other has filled.
///
/// Floats are not parts, because `0.0 == -0.0` and no `NaN` equals itself: pass `to_bits()`, or a fixed-point integer.
/// Maps are not, because their order is not defined or not part of their meaning: pass a sorted slice of pairs. A type of
/// your own becomes a part by `#[derive(KeyPart)]`, or by hand:
///
/// ```
/// use cached_runtime::{KeyPart, KeyWriter, Written};
///
/// struct Region { country: [char; 2], zone: u8 }
///
/// impl KeyPart for Region {
///     fn write(&self, key: KeyWriter<'_>) -> Written {
///         key.sequence(|seq| {
///             seq.part(&self.country).part(&self.zone);
///         })
///     }
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn part(_: impl cached_runtime::KeyPart) {}
/// part(1.5_f64);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "not a `KeyPart`",
    note = "an argument that does not decide the result goes into `skip(..)`; a type of your own gets `#[derive(KeyPart)]`",
    note = "instead of a float pass its `to_bits()` or a fixed-point integer, instead of a map a sorted slice of pairs"
)]
pub trait KeyPart {
    /// Writes this value, by one call on `key`, or on the sequence that it opens.
    fn write(&self, key: KeyWriter<'_>) -> Written;

    /// The number that [`write`](Self::write) writes, if it writes one and that is plain to see: a call whose key is one
    /// number then looks for that, and writes no key.
    #[doc(hidden)]
    #[inline]
    fn __number(&self) -> Option<u64> {
        None
    }
}

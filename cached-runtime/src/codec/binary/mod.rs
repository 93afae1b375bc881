//! Formats without names: a reader and a writer of our own around the parts that the formats' crates encode.
//!
//! Called by the codecs of such formats. The crates' own readers trust a length before they have seen the bytes
//! (`vec![0; length]`), recurse as deep as the bytes say, and their writers drop a skipped field without a word, which
//! then reads back as another value. What these formats have in common is little, so it stands here once, checked,
//! and only the encoding of numbers, characters and text is theirs.

mod read;
mod write;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// How one format writes the parts that need no structure: numbers, `bool`, `char`, text, bytes.
pub(super) trait Format {
    /// The part at the head of `bytes` and how many bytes it took. Asked for borrowed text and bytes, never for owned
    /// ones, so that nothing is allocated on a claim.
    fn take<'de, P: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(P, usize), Fault>;

    /// Appends `part`.
    fn put<P: Serialize + ?Sized>(part: &P, out: &mut Vec<u8>) -> Result<(), Fault>;
}

/// Appends `value` in the format `F`.
pub(super) fn write<F: Format, T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    value.serialize(&mut write::Writer::<F>::new(out))
}

/// The value that all of `payload` is in the format `F`.
pub(super) fn read<F: Format, T: DeserializeOwned>(payload: &[u8]) -> Result<T, Fault> {
    let mut reader = read::Reader::<F>::new(payload);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

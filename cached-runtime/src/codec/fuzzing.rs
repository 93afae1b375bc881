//! The doors by which tests and fuzzers reach what the crate keeps to itself. Not for programs: anything here may
//! change in any release.

use serde::Serialize;
use serde::de::DeserializeOwned;
use twox_hash::XxHash3_64;

use super::envelope::{self, Header};
use super::{Codec, shape};
use crate::Error;

/// `Codec::encode` into a buffer of its own.
pub fn encode<T: Serialize>(codec: Codec, value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    codec.encode(value, &mut out)?;
    Ok(out)
}

/// `Codec::decode`.
pub fn decode<T: DeserializeOwned>(codec: Codec, payload: &[u8]) -> Result<T, Error> {
    codec.decode(payload)
}

/// The fingerprint of a type.
pub fn fingerprint<T: DeserializeOwned>(cache: &str, version: u32) -> u64 {
    shape::fingerprint(shape::Subject::of::<T>(), cache, version)
}

/// An envelope around `payload` with one tag and every limit, for the given fingerprint and key.
pub fn seal(
    codec: Codec,
    payload: &[u8],
    compress_from: Option<usize>,
    fingerprint: u64,
    key: &str,
) -> Vec<u8> {
    let header = Header {
        codec,
        none: false,
        fingerprint,
        key_check: envelope::key_check(key),
        birth_ms: 1,
        // Whatever the time is, it is not over.
        ttl_ms: Some(u64::MAX),
        stale_ms: Some(3),
        fallback_ms: Some(4),
        tags: vec![("tag".to_owned(), 5)],
    };
    envelope::seal(&header, payload, compress_from)
}

/// Opens `bytes` as the reader that they would be right for: whatever fingerprint and key check they hold is the one
/// expected. Gives the codec and the payload.
pub fn open(bytes: &[u8]) -> Option<(Codec, Vec<u8>)> {
    let expected = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let opened = envelope::open(bytes, expected(6).unwrap_or(0), expected(14).unwrap_or(0)).ok()?;
    Some((opened.header.codec, opened.payload.into_owned()))
}

/// Opens `bytes` and, if they are an envelope, seals what was in them again: the envelope must say the same as before.
pub fn reopen(bytes: &[u8]) -> Option<bool> {
    let expected = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let (fingerprint, key_check) = (expected(6)?, expected(14)?);
    let opened = envelope::open(bytes, fingerprint, key_check).ok()?;
    let sealed = envelope::seal(&opened.header, &opened.payload, None);
    Some(envelope::open(&sealed, fingerprint, key_check) == Ok(opened))
}

/// What a hostile writer does to changed bytes: puts the checksum right.
pub fn forge_checksum(bytes: &mut [u8]) {
    if let Some((body, checksum)) = bytes.split_last_chunk_mut::<8>() {
        *checksum = XxHash3_64::oneshot(body).to_le_bytes();
    }
}

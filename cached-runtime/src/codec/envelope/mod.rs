//! The bytes of one entry in a remote tier.
//!
//! Called by the tiers that keep bytes: [`seal`] before a write, [`open`] after a read. Knows neither the value's type
//! nor the store. A reader takes nothing for granted: the checksum finds accidents, and since whoever can write to
//! the store can also compute checksums, every length and number is still checked on its own.
//!
//! All numbers are little-endian. `fingerprint` and `key check` stand at fixed places, so that a foreign entry is
//! known as such before anything of variable length is read.
//!
//! | bytes | what |
//! |---|---|
//! | 3 | magic, `CA C4 ED` |
//! | 1 | version of this format, 1 |
//! | 1 | codec |
//! | 1 | flags: 1 cached `None`, 2 LZ4, 4 has a ttl, 8 has a stale limit, 16 has a fallback limit |
//! | 8 | fingerprint of the type, see [`shape`](crate::codec::shape) |
//! | 8 | key check |
//! | 8 | birth, in milliseconds since 1970 by the store's clock |
//! | 8 each | ttl, stale limit, fallback limit in milliseconds, those that the flags name |
//! | 4 | number of tags |
//! | 4 + n + 8 each | a tag: its length in bytes, its UTF-8, its generation |
//! | 8 | length of the payload before compression |
//! | to the last 8 | payload, as an LZ4 block if flagged |
//! | 8 | XXH3 of everything before |

mod lz4;
#[cfg(test)]
#[cfg(feature = "bincode")]
mod tests;

use std::borrow::Cow;
use std::fmt;

use twox_hash::XxHash3_64;

use super::Codec;

const MAGIC: [u8; 3] = [0xCA, 0xC4, 0xED];
const VERSION: u8 = 1;

const NONE: u8 = 1;
const LZ4: u8 = 2;
const TTL: u8 = 4;
const STALE: u8 = 8;
const FALLBACK: u8 = 16;
const KNOWN_FLAGS: u8 = NONE | LZ4 | TTL | STALE | FALLBACK;

/// Apart from the seed of fingerprints and checksums, so that no two of these numbers are ever the same by accident.
const KEY_CHECK_SEED: u64 = u64::from_le_bytes(*b"keycheck");

/// What a reader has to know about an entry before its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Who wrote the payload.
    pub(crate) codec: Codec,
    /// A cached `None`: there is no payload.
    pub(crate) none: bool,
    /// Of the type, by [`shape::fingerprint`](crate::codec::shape::fingerprint).
    pub(crate) fingerprint: u64,
    /// Of the full key, by [`key_check`].
    pub(crate) key_check: u64,
    /// When the load began, in milliseconds since 1970 by the store's clock.
    pub(crate) birth_ms: u64,
    /// Life from birth while fresh. `None`: until removed.
    pub(crate) ttl_ms: Option<u64>,
    /// How long past the ttl the entry may be served while it is reloaded.
    pub(crate) stale_ms: Option<u64>,
    /// How long past the ttl the entry may be served when its load fails.
    pub(crate) fallback_ms: Option<u64>,
    /// Tags with their generations when the load began.
    pub(crate) tags: Vec<(String, u64)>,
}

/// An entry as it was read: the payload is borrowed from the bytes unless it was compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    pub(crate) header: Header,
    pub(crate) payload: Cow<'a, [u8]>,
}

/// Why bytes are not an entry that the reader can use. All of them are a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Rejected {
    /// Not an envelope, or one whose parts do not add up.
    Malformed,
    /// Cut short or changed.
    Checksum,
    /// Written by a version of this crate with another format.
    Version,
    /// Written for another cache, another version of it, or another shape of the value.
    Fingerprint,
    /// Written for another key.
    Key,
    /// Written by a codec that is not compiled in.
    Codec,
    /// The compressed payload is damaged or not of the length it is said to be.
    Compression,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the bytes are not an entry of this crate",
            Self::Checksum => "the entry is cut short or damaged",
            Self::Version => "the entry is in the format of another version of this crate",
            Self::Fingerprint => "the entry is of another cache, or of another version or shape of the value",
            Self::Key => "the entry is of another key",
            Self::Codec => "the entry was written by a codec that is not compiled in",
            Self::Compression => "the compressed value is damaged",
        })
    }
}

impl std::error::Error for Rejected {}

/// A second opinion on the key of an entry, for stores that shorten keys or hand out another key's bytes.
pub(crate) fn key_check(full_key: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(KEY_CHECK_SEED, full_key.as_bytes())
}

/// The bytes of an entry. The payload is compressed if it has `compress_from` bytes or more and gets smaller by it.
/// Of a cached `None` the payload is not written.
pub(crate) fn seal(header: &Header, payload: &[u8], compress_from: Option<usize>) -> Vec<u8> {
    let payload = if header.none { &[] } else { payload };
    let compressed = compress_from
        .filter(|from| payload.len() >= *from)
        .map(|_| lz4::compress(payload))
        .filter(|compressed| compressed.len() < payload.len());
    let mut flags = 0;
    for (flag, set) in [
        (NONE, header.none),
        (LZ4, compressed.is_some()),
        (TTL, header.ttl_ms.is_some()),
        (STALE, header.stale_ms.is_some()),
        (FALLBACK, header.fallback_ms.is_some()),
    ] {
        flags |= if set { flag } else { 0 };
    }
    let stored = compressed.as_deref().unwrap_or(payload);
    let tags_size: usize = header.tags.iter().map(|(tag, _)| 4 + tag.len() + 8).sum();
    let mut out = Vec::with_capacity(78 + tags_size + stored.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, header.codec.id(), flags]);
    for number in [header.fingerprint, header.key_check, header.birth_ms] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for limit in [header.ttl_ms, header.stale_ms, header.fallback_ms]
        .into_iter()
        .flatten()
    {
        out.extend_from_slice(&limit.to_le_bytes());
    }
    put_length(&mut out, header.tags.len());
    for (tag, generation) in &header.tags {
        put_length(&mut out, tag.len());
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(&generation.to_le_bytes());
    }
    out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    out.extend_from_slice(stored);
    let checksum = XxHash3_64::oneshot(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// A length past 4 GiB, in a tag that nobody has, saturates and makes an entry that is rejected when read.
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// The entry that `bytes` are, if they are one for this `fingerprint` and [`key_check`].
pub(crate) fn open(bytes: &[u8], fingerprint: u64, key_check: u64) -> Result<Opened<'_>, Rejected> {
    let (body, checksum) = bytes.split_last_chunk::<8>().ok_or(Rejected::Malformed)?;
    let mut parts = Parts(body);
    if parts.array()? != MAGIC {
        return Err(Rejected::Malformed);
    }
    let [version, codec, flags] = parts.array()?;
    if version != VERSION {
        return Err(Rejected::Version);
    }
    if XxHash3_64::oneshot(body) != u64::from_le_bytes(*checksum) {
        return Err(Rejected::Checksum);
    }
    let codec = Codec::from_id(codec).ok_or(Rejected::Codec)?;
    if parts.u64()? != fingerprint {
        return Err(Rejected::Fingerprint);
    }
    if parts.u64()? != key_check {
        return Err(Rejected::Key);
    }
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Rejected::Malformed);
    }
    let birth_ms = parts.u64()?;
    let mut limit = |flag| {
        if flags & flag == 0 {
            Ok(None)
        } else {
            parts.u64().map(Some)
        }
    };
    let (ttl_ms, stale_ms, fallback_ms) = (limit(TTL)?, limit(STALE)?, limit(FALLBACK)?);
    let tags = parts.tags()?;
    let length = usize::try_from(parts.u64()?).map_err(|_| Rejected::Malformed)?;
    let Parts(stored) = parts;
    let none = flags & NONE != 0;
    let header = Header {
        codec,
        none,
        fingerprint,
        key_check,
        birth_ms,
        ttl_ms,
        stale_ms,
        fallback_ms,
        tags,
    };
    if none && (length != 0 || flags & LZ4 != 0) {
        return Err(Rejected::Malformed);
    }
    let payload = if flags & LZ4 != 0 {
        Cow::Owned(lz4::decompress(stored, length).ok_or(Rejected::Compression)?)
    } else if stored.len() == length {
        Cow::Borrowed(stored)
    } else {
        return Err(Rejected::Malformed);
    };
    Ok(Opened { header, payload })
}

/// What has not been read yet.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Rejected> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(Rejected::Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Rejected> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Rejected::Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, Rejected> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, Rejected> {
        let length = u32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Rejected::Malformed)
    }

    /// The list grows with the tags that are there, not with their claimed number.
    fn tags(&mut self) -> Result<Vec<(String, u64)>, Rejected> {
        let mut tags = Vec::new();
        for _ in 0..self.length()? {
            let length = self.length()?;
            let tag = str::from_utf8(self.bytes(length)?).map_err(|_| Rejected::Malformed)?;
            tags.push((tag.to_owned(), self.u64()?));
        }
        Ok(tags)
    }
}

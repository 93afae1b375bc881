//! How keys and entries look on a memcached server.
//!
//! Called by the commands of the store. Knows nothing of connections.
//!
//! A key of up to 250 bytes without spaces is itself. Any other is `~` and its SHA-256; then the entry carries the full
//! key, and is no entry for another. A key that begins like that is hashed too, so that none can pretend.
//!
//! | bytes | what |
//! |---|---|
//! | 3 | magic, `CA C4 4D` |
//! | 1 | version of this layout, 1 |
//! | 8 | birth, in milliseconds since 1970 by the server's clock, little-endian as all numbers here |
//! | 8 | end, in the same; 0: none |
//! | 4 | length of the full key; 0: the key is itself |
//! | n | the full key |
//! | the rest | the bytes of the entry |
//!
//! The server is told to keep an entry [`LEASE`] longer than it lives: what has ended stands in for its own lease. So
//! the end that counts is the one written here, to the millisecond. The server can be told another one without touching
//! the bytes, which is what a touch does; it shows by an end that is not the one these bytes have asked for.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::wire::Seconds;

/// How long, in seconds, the item made by a miss stands for the right to fill it, and how much longer than it lives
/// the item of an entry is kept.
pub(super) const LEASE: Seconds = 60;
/// The longest key of memcached.
const LONGEST_KEY: usize = 250;
/// Before the digest of a key that memcached does not take.
const HASHED: &str = "~";
/// The last second that a server counts to. What lives longer is kept without end, and ends by what stands here.
const LAST: Seconds = i32::MAX as Seconds;
/// A touched entry may be told to end where it would have ended anyway, give or take a second on either side.
const SLACK: Seconds = 2;

const MAGIC: [u8; 4] = [0xCA, 0xC4, 0x4D, 1];
const HEAD: usize = 4 + 8 + 8 + 4;

/// A key as the server has it.
pub(super) struct Key<'a> {
    pub(super) wire: Cow<'a, str>,
    /// Where it is not the one on the wire.
    full: Option<&'a str>,
}

impl<'a> Key<'a> {
    pub(super) fn new(key: &'a str) -> Self {
        let plain = !key.is_empty()
            && key.len() <= LONGEST_KEY
            && !key.starts_with(HASHED)
            // Beyond ASCII everything is taken: the server splits lines at spaces and ends.
            && key.bytes().all(|byte| byte > b' ' && byte != 0x7F);
        if plain {
            return Self {
                wire: Cow::Borrowed(key),
                full: None,
            };
        }
        let mut wire = String::from(HASHED);
        for byte in Sha256::digest(key) {
            let _ = write!(wire, "{byte:02x}");
        }
        Self {
            wire: Cow::Owned(wire),
            full: Some(key),
        }
    }
}

/// When an entry ends, and what of it the server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// In milliseconds since 1970; 0: never.
    pub(super) ms: i64,
}

impl End {
    const NEVER: Self = Self { ms: 0 };

    /// Of what begins `now` and lives for `ttl`. One that is too long to count does not end.
    pub(super) fn after(now: i64, ttl: Option<Duration>) -> Self {
        let Some(ttl) = ttl else { return Self::NEVER };
        let ms = i64::try_from(ttl.as_millis())
            .ok()
            .and_then(|ms| now.checked_add(ms));
        ms.map_or(Self::NEVER, |ms| Self { ms })
    }

    /// Of what was touched `now` for `ttl`: a second that begins no earlier, as seen through the slack.
    pub(super) fn touched(now: i64, ttl: Duration) -> Self {
        match Self::after(now, Some(ttl)).ms {
            0 => Self::NEVER,
            ms => Self {
                ms: (seconds_up(ms) + SLACK).saturating_mul(1_000),
            },
        }
    }

    /// Until when the server keeps it; 0: without end.
    pub(super) fn kept_until(self) -> Seconds {
        match self.ms {
            0 => 0,
            ms => Some(seconds_up(ms) + LEASE)
                .filter(|second| *second <= LAST)
                .unwrap_or(0),
        }
    }

    /// Of an item whose bytes say this end and of which the server says, at `now`, that it keeps it for so long.
    pub(super) fn as_kept(self, left: Option<Seconds>, now: i64) -> Self {
        let Some(left) = left else {
            // Without end, because it is, or because it was touched for so long, or because the end cannot be told.
            return if self.kept_until() == 0 { self } else { Self::NEVER };
        };
        let until = now.div_euclid(1_000) + left;
        if self.kept_until() != 0 && (until - self.kept_until()).abs() < SLACK {
            return self;
        }
        Self {
            ms: (until - LEASE).max(1).saturating_mul(1_000),
        }
    }

    pub(super) fn is_past(self, now: i64) -> bool {
        self.ms != 0 && self.ms <= now
    }

    /// The life left.
    pub(super) fn left(self, now: i64) -> Option<Duration> {
        (self.ms != 0).then(|| Duration::from_millis(u64::try_from(self.ms - now).unwrap_or(0)))
    }
}

fn seconds_up(ms: i64) -> Seconds {
    ms.div_euclid(1_000) + Seconds::from(ms.rem_euclid(1_000) != 0)
}

/// What stands before the bytes of an entry.
pub(super) fn head(key: &Key<'_>, birth: i64, end: End) -> Vec<u8> {
    let full = key.full.unwrap_or_default();
    let mut head = Vec::with_capacity(HEAD + full.len());
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&birth.to_le_bytes());
    head.extend_from_slice(&end.ms.to_le_bytes());
    head.extend_from_slice(&u32::try_from(full.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend_from_slice(full.as_bytes());
    head
}

/// An entry as it was read.
pub(super) struct Entry<'a> {
    pub(super) birth: i64,
    pub(super) end: End,
    pub(super) bytes: &'a [u8],
    /// It is of the key that was asked for.
    pub(super) is_ours: bool,
}

/// Reads an item; `None` where no store of this kind has written it.
pub(super) fn open<'a>(key: &Key<'_>, value: &'a [u8]) -> Option<Entry<'a>> {
    let (magic, rest) = value.split_first_chunk::<4>()?;
    let (birth, rest) = rest.split_first_chunk()?;
    let (end, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (full, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let end = End {
        ms: i64::from_le_bytes(*end),
    };
    (*magic == MAGIC && end.ms >= 0).then(|| Entry {
        birth: i64::from_le_bytes(*birth),
        end,
        bytes,
        is_ours: full == key.full.unwrap_or_default().as_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_640_729_250;

    #[test]
    fn a_key_is_itself_where_the_server_takes_it() {
        for key in ["a", "shop:user:42", "Größe:ß", "日本語", &"x".repeat(250)] {
            assert_eq!(Key::new(key).wire, key);
        }
        let mut wires = Vec::new();
        let pretended = Key::new(" ").wire.into_owned();
        for key in [
            "",
            " ",
            "a b",
            "a\u{7f}",
            "a\tb",
            "~",
            &pretended,
            &"x".repeat(251),
            &"ß".repeat(126),
        ] {
            let wire = Key::new(key).wire.into_owned();
            assert!(wire.len() == 65 && wire.starts_with('~'), "{key}: {wire}");
            wires.push(wire);
        }
        let all = wires.len();
        wires.sort();
        wires.dedup();
        assert_eq!(wires.len(), all);
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_no_other_keys() {
        let (long, other) = ("x".repeat(300), "y".repeat(300));
        for key in ["a", &long] {
            let key = Key::new(key);
            let end = End::after(NOW, Some(Duration::from_millis(1)));
            let mut value = head(&key, NOW, end);
            value.extend_from_slice(b"bytes");
            let entry = open(&key, &value).unwrap();
            assert!(entry.is_ours);
            assert_eq!((entry.birth, entry.end, entry.bytes), (NOW, end, &b"bytes"[..]));
            assert!(!open(&Key::new(&other), &value).unwrap().is_ours);
            for cut in 0..value.len() - 5 {
                assert!(open(&key, &value[..cut]).is_none());
            }
        }
        assert!(open(&Key::new("a"), b"somebody else's").is_none());
    }

    #[test]
    fn what_the_server_keeps_tells_whether_it_was_touched() {
        let end = End::after(NOW, Some(Duration::from_millis(1_500)));
        assert_eq!(end.ms, NOW + 1_500);
        let left = end.kept_until() - NOW / 1_000;
        for off in -1..=1 {
            assert_eq!(end.as_kept(Some(left + off), NOW), end);
        }
        let touched = End::touched(NOW, Duration::from_secs(100));
        let seen = end.as_kept(Some(touched.kept_until() - NOW / 1_000), NOW);
        assert_eq!(seen, touched);
        assert!((100..=103).contains(&seen.left(NOW).unwrap().as_secs()));
        assert_eq!(End::NEVER.as_kept(None, NOW), End::NEVER);
        assert!(End::NEVER.as_kept(Some(160), NOW).left(NOW).is_some());
    }

    #[test]
    fn lives_of_any_length_end_when_they_should() {
        for (ttl, kept) in [
            (Duration::from_nanos(1), true),
            (Duration::from_secs(40 * 86_400), true),
            (Duration::from_secs(100 * 365 * 86_400), false),
        ] {
            let end = End::after(NOW, Some(ttl));
            assert_eq!(end.kept_until() != 0, kept, "{ttl:?}");
            assert_eq!(
                end.as_kept(None.filter(|_| kept), NOW).ms != 0,
                !kept || end.ms == 0,
                "{ttl:?}"
            );
            assert!(end.is_past(NOW + i64::try_from(ttl.as_millis()).unwrap()));
        }
        assert_eq!(End::after(NOW, Some(Duration::MAX)), End::NEVER);
        assert_eq!(
            End::after(NOW, Some(Duration::from_secs(u64::MAX / 1000))),
            End::NEVER
        );
    }
}

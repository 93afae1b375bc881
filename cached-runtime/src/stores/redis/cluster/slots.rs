//! Where in a cluster a key lies, and what its lease is called there.
//!
//! Called by the verbs of a cluster. Knows nothing of servers.
//!
//! A cluster hashes what stands between the first `{` of a key and the next `}`, if anything does, and else the whole
//! key (CRC-16 of XMODEM, modulo 16,384: the cluster specification of Redis). So the lease `{key}:lease` lies in the
//! slot of its key as long as the key itself has no braces. The lease of one that has (by a template such as
//! `"cart:{{{id}}}"`) is `{n}{key}:lease`, where `n` is the smallest number that hashes into the slot: every process
//! finds the same one, and what a user puts between braces to keep entries together stays in force.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::super::leases::CLOSE;

/// Slots of a cluster, in all versions of all servers.
pub(in super::super) const SLOTS: u16 = 16_384;

/// The slot of `key`.
pub(in super::super) fn slot_of(key: &str) -> u16 {
    crc16(hashed(key).as_bytes()) % SLOTS
}

/// What a lease opens with, before its key.
pub(in super::super) fn opening(key: &str) -> Cow<'static, str> {
    if is_plain(key) {
        Cow::Borrowed("{")
    } else {
        Cow::Owned(format!("{{{}}}{{", number_in(slot_of(key))))
    }
}

/// The lease of `key`, in the slot of `key`.
pub(in super::super) fn lease_of(key: &str) -> String {
    [&opening(key), key, CLOSE].concat()
}

/// The key that `lease` belongs to.
pub(super) fn key_of(lease: &str) -> Option<&str> {
    let inside = lease.strip_prefix('{')?.strip_suffix(CLOSE)?;
    match inside.split_once("}{") {
        Some((number, key)) if number.bytes().all(|digit| digit.is_ascii_digit()) => Some(key),
        _ => Some(inside),
    }
}

/// A glob for both kinds of leases, made of one for plain leases. What else it finds is told apart by [`key_of`].
pub(super) fn leases_matching(plain: &str) -> String {
    plain.replacen('{', "{*", 1)
}

fn is_plain(key: &str) -> bool {
    // Of nothing between braces the braces are hashed too.
    !key.is_empty() && !key.contains(['{', '}'])
}

fn hashed(key: &str) -> &str {
    let tag = key
        .split_once('{')
        .and_then(|(_, behind)| behind.split_once('}'))
        .map(|(tag, _)| tag);
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

/// The smallest number whose decimal digits hash into `slot`.
fn number_in(slot: u16) -> u32 {
    static NUMBERS: OnceLock<Vec<u32>> = OnceLock::new();
    let numbers = NUMBERS.get_or_init(|| {
        let mut numbers = vec![None; usize::from(SLOTS)];
        let mut left = numbers.len();
        // Some two hundred thousand, once in a process.
        for number in 0.. {
            let slot = crc16(number.to_string().as_bytes()) % SLOTS;
            if let Some(none @ None) = numbers.get_mut(usize::from(slot)) {
                *none = Some(number);
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        numbers.into_iter().flatten().collect()
    });
    numbers.get(usize::from(slot)).copied().unwrap_or_default()
}

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut sum = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 == 0 {
                sum << 1
            } else {
                (sum << 1) ^ 0x1021
            };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| {
        let [high, _] = sum.to_be_bytes();
        (sum << 8) ^ TABLE[usize::from(high ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_where_the_specification_says() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12182);
        assert_eq!(slot_of("{foo}.bar"), 12182);
        assert_eq!(slot_of("foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot_of("foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
        assert_eq!(slot_of("foo{bar}{zap}"), crc16(b"bar") % SLOTS);
        assert_eq!(slot_of("a}b"), crc16(b"a}b") % SLOTS);
        assert_eq!(slot_of(""), 0);
    }

    const ODD: [&str; 12] = [
        "",
        "{",
        "}",
        "{}",
        "}{",
        "{a}",
        "cart:{42}:total",
        "a}b",
        "a{b",
        "1}{x",
        "7}{b}:lease",
        "{{x}}:lease",
    ];

    #[test]
    fn a_lease_lies_beside_its_key_and_leads_back_to_it() {
        for key in ["shop:user:42", "a:lease", "%7B"].into_iter().chain(ODD) {
            let lease = lease_of(key);
            assert_eq!(slot_of(&lease), slot_of(key), "{lease}");
            assert_eq!(key_of(&lease), Some(key), "{lease}");
        }
        assert_eq!(lease_of("shop:user:42"), "{shop:user:42}:lease");
        assert_eq!(key_of("shop:user:42"), None);
    }

    #[test]
    fn no_two_keys_share_a_lease() {
        let mut leases: Vec<_> = ODD.iter().map(|key| lease_of(key)).collect();
        leases.sort();
        leases.dedup();
        assert_eq!(leases.len(), ODD.len());
    }
}

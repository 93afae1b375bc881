//! The compact form of a key, owned.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// What fits beside the discriminant and the length in 24 bytes.
const INLINE: usize = 22;

/// Compact bytes that a memory tier keeps with an entry: 24 bytes, without an allocation up to 22 bytes of key.
///
/// Hashes and compares as the slice it holds, so that look-ups need only a `&[u8]`.
#[derive(Clone)]
pub(crate) struct KeyBytes(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl From<&[u8]> for KeyBytes {
    #[inline]
    fn from(slice: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..slice.len()), u8::try_from(slice.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(slice);
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Heap(slice.into())),
        }
    }
}

impl Deref for KeyBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Heap(bytes) => bytes,
        }
    }
}

/// Up to so many bytes are compared without a call.
pub(crate) const AT_HAND: usize = 32;

/// Whether two slices are equal, without a call for those that short keys are made of: two words, which overlap where
/// there are fewer bytes than both have.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => ends::<8>(a, b),
        17..=AT_HAND => ends::<16>(a, b),
        4..=7 => ends::<4>(a, b),
        2..=3 => ends::<2>(a, b),
        1 => a.first() == b.first(),
        0 => true,
        _ => a == b,
    }
}

/// Whether the first and the last so many bytes are equal.
#[inline]
fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

impl Borrow<[u8]> for KeyBytes {
    #[inline]
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for KeyBytes {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for KeyBytes {}

impl Hash for KeyBytes {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn takes_24_bytes_and_holds_any_number() {
        assert_eq!(size_of::<KeyBytes>(), 24);
        assert_eq!(size_of::<Option<KeyBytes>>(), 24);
        let long: Vec<u8> = (0..=255).collect();
        for len in 0..=long.len() {
            assert_eq!(*KeyBytes::from(&long[..len]), long[..len]);
        }
    }

    #[test]
    fn are_the_same_where_every_byte_is() {
        for len in 0..=40 {
            let a: Vec<u8> = (0..len).collect();
            assert!(same(&a, &a.clone()));
            for at in 0..a.len() {
                let mut b = a.clone();
                b[at] ^= 0x80;
                assert!(!same(&a, &b), "{at} of {len}");
            }
            assert!(!same(&a, &[&a[..], &[0]].concat()));
        }
    }

    #[test]
    fn is_found_by_the_slice_it_holds() {
        let slices = [
            &b""[..],
            b"a",
            &[0],
            &[0, 0],
            &[7; INLINE],
            &[7; INLINE + 1],
            &[7; 1000],
        ];
        let set: HashSet<KeyBytes> = slices.iter().map(|slice| KeyBytes::from(*slice)).collect();
        assert_eq!(set.len(), slices.len());
        assert!(slices.iter().all(|slice| set.contains(*slice)));
        assert!(!set.contains(&[7; 2][..]));
    }
}

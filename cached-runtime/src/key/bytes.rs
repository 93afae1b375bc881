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

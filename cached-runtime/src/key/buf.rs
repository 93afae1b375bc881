//! Where a key is written: on the stack, moving to the heap only when it is long.

use super::compact::{CLOSE, INT, LONG, NONE, OPEN, SOME, TEXT, canonical_integer};
use super::hash::Mixed;
use super::{KeyArg, KeyPart, KeyWriter};

/// Keys up to this many compact bytes stay in the part that every call pays for clearing.
const SHORT: usize = 32;
/// Keys up to this many compact bytes cost no allocation.
const INLINE: usize = 128;

/// The compact form of a key while it is being written, one value after another.
///
/// Generated code makes one on the stack for each call. It is written only through [`part`](Self::part),
/// [`arg`](Self::arg) and the tags, each of which adds exactly one whole value.
///
/// Of three sizes, since a lock waits for every store before it: what a short key does not need is not even cleared.
pub struct KeyBuf {
    short: [u8; SHORT],
    /// Of the bytes in `short`. Stays `SHORT` once the key has moved, so that the one bounds check of a short write also
    /// finds out that the key has moved.
    len: usize,
    moved: Moved,
    mixed: Mixed,
}

/// The whole key, once it has moved.
enum Moved {
    No,
    Inline { bytes: [u8; INLINE], len: usize },
    Heap(Vec<u8>),
}

impl KeyBuf {
    /// A key without values.
    #[inline]
    pub fn new() -> Self {
        // First: what may have to be made on a first call would have the bytes cleared once more behind it.
        let mixed = Mixed::nothing();
        Self {
            short: [0; SHORT],
            len: 0,
            moved: Moved::No,
            mixed,
        }
    }

    /// Adds one value.
    #[inline]
    pub fn part<P: KeyPart + ?Sized>(&mut self, part: &P) -> &mut Self {
        part.write(KeyWriter::new(self));
        self
    }

    /// Adds one value that stands for a key argument of type `T`.
    #[inline]
    pub fn arg<T: ?Sized, A: KeyArg<T>>(&mut self, arg: &A) -> &mut Self {
        super::arg::write(arg, KeyWriter::new(self));
        self
    }

    /// Adds a tag that tells the instantiations of a generic function apart. Tags come after all values.
    #[inline]
    pub fn tag<T: ?Sized>(&mut self) -> &mut Self {
        self.tag_text(std::any::type_name::<T>())
    }

    /// Adds a tag by its text.
    #[inline]
    pub fn tag_text(&mut self, tag: &str) -> &mut Self {
        self.put_text(tag);
        self
    }

    /// The compact form of what has been written.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.moved {
            Moved::No => &self.short[..self.len],
            Moved::Inline { bytes, len } => &bytes[..*len],
            Moved::Heap(bytes) => bytes,
        }
    }

    /// The hash of what has been written.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        self.mixed.finish()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    #[inline]
    pub(super) fn put_integer(&mut self, value: u64) {
        self.mixed.integer(value);
        let end = self.len + 9;
        // In place: what is put together elsewhere in pieces would have to be waited for, to be copied as a whole.
        if let Some([mark, bytes @ ..]) = self.short.get_mut(self.len..end) {
            *mark = INT;
            bytes.copy_from_slice(&value.to_le_bytes());
            self.len = end;
        } else {
            self.extend_moved(&[INT]);
            self.extend_moved(&value.to_le_bytes());
        }
    }

    #[inline]
    pub(super) fn put_text(&mut self, text: &str) {
        if let Some(value) = canonical_integer(text) {
            return self.put_integer(value);
        }
        self.mixed.text(text);
        let end = self.len + 2 + text.len();
        match (self.short.get_mut(self.len..end), u8::try_from(text.len())) {
            // As for an integer.
            (Some([mark, length, room @ ..]), Ok(short)) => {
                (*mark, *length) = (TEXT, short);
                copy(text.as_bytes(), room);
                self.len = end;
            }
            _ => self.put_long_text(text),
        }
    }

    #[cold]
    fn put_long_text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(short) if short < LONG => self.extend(&[TEXT, short]),
            _ => {
                self.extend(&[TEXT, LONG]);
                self.extend(&(text.len() as u64).to_le_bytes());
            }
        }
        self.extend(text.as_bytes());
    }

    #[inline]
    pub(super) fn put_none(&mut self) {
        self.mixed.mark(NONE);
        self.extend(&[NONE]);
    }

    #[inline]
    pub(super) fn open(&mut self) {
        self.mixed.mark(OPEN);
        self.extend(&[OPEN]);
    }

    #[inline]
    pub(super) fn close(&mut self) {
        self.mixed.mark(CLOSE);
        self.extend(&[CLOSE]);
    }

    /// Turns the value that was written last and starts at `start` into `Some` of it. Only a `None` shows the `Some`s
    /// around it.
    #[inline]
    pub(super) fn wrap_in_some(&mut self, start: usize) {
        if self.as_bytes().get(start) == Some(&NONE) {
            self.mixed.mark(SOME);
            self.extend(&[SOME]);
        }
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(room) = self.short.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        } else {
            self.extend_moved(bytes);
        }
    }

    #[cold]
    fn extend_moved(&mut self, more: &[u8]) {
        if let Moved::No = self.moved {
            let mut bytes = [0; INLINE];
            bytes[..self.len].copy_from_slice(&self.short[..self.len]);
            self.moved = Moved::Inline { bytes, len: self.len };
            self.len = SHORT;
        }
        match &mut self.moved {
            Moved::No => {}
            Moved::Inline { bytes, len } => {
                let end = *len + more.len();
                match bytes.get_mut(*len..end) {
                    Some(room) => {
                        room.copy_from_slice(more);
                        *len = end;
                    }
                    None => self.moved = Moved::Heap([&bytes[..*len], more].concat()),
                }
            }
            Moved::Heap(bytes) => bytes.extend_from_slice(more),
        }
    }
}

/// Copies as many bytes as both have, which are equally many: without a call for most of the texts in keys.
#[inline]
fn copy(from: &[u8], to: &mut [u8]) {
    match from.len() {
        8..=16 => copy_ends::<8>(from, to),
        4..=7 => copy_ends::<4>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last so many bytes.
#[inline]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(first), Some(room)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
        *room = *first;
    }
    if let (Some(last), Some(room)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
        *room = *last;
    }
}

impl Default for KeyBuf {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::compact::{Token, Tokens};

    #[test]
    fn numbers_and_their_text_are_one_value() {
        let compact = |part: &dyn KeyPart| KeyBuf::new().part(part).as_bytes().to_vec();
        let number = [INT, 42, 0, 0, 0, 0, 0, 0, 0];
        for part in [
            &42_u64 as &dyn KeyPart,
            &42_i8,
            &42_u128,
            &"42",
            &String::from("42"),
            &Some(42_usize),
        ] {
            assert_eq!(compact(part), number);
        }
        assert_eq!(compact(&'4'), compact(&4_u8));
        assert_eq!(compact(&"042"), [TEXT, 3, b'0', b'4', b'2']);
        assert_eq!(compact(&-1_i64), compact(&"-1"));
        assert_eq!(compact(&u128::MAX), compact(&u128::MAX.to_string()));
    }

    #[test]
    fn a_key_of_any_length_is_kept_whole() {
        for first in 0..=2 * INLINE {
            for second in [0, 1, 7, SHORT, INLINE, 300] {
                let (first, second) = ("a".repeat(first), "b".repeat(second));
                let mut buf = KeyBuf::new();
                buf.part(&first).part(&7_u64).part(&second);
                let tokens: Vec<_> = Tokens::new(buf.as_bytes()).collect();
                assert_eq!(tokens, [Token::Text(&first), Token::Int(7), Token::Text(&second)]);
            }
        }
    }

    #[test]
    fn no_depth_of_options_is_another() {
        struct Deep(usize);
        impl KeyPart for Deep {
            fn write(&self, key: KeyWriter<'_>) -> crate::key::Written {
                if self.0 == 0 {
                    key.none()
                } else {
                    key.some(&Deep(self.0 - 1))
                }
            }
        }
        // Inline, across the move to the heap, and on the heap.
        for before in [0, 14, 22, 23, 30, 110, 118, 119, 126, 300] {
            for depth in [0, 1, 2, 10, 126, 127, 128, 129, 300] {
                let text = "a".repeat(before);
                let mut buf = KeyBuf::new();
                buf.part(&text).part(&Deep(depth));
                let tokens: Vec<_> = Tokens::new(buf.as_bytes()).collect();
                assert_eq!(
                    tokens,
                    [Token::Text(&text), Token::None(depth)],
                    "{depth} after {before}"
                );
            }
        }
    }
}

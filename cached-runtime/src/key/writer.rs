//! What a [`KeyPart`] writes itself with.
//!
//! The types see to it that a part writes one whole value: a [`KeyWriter`] is used up by writing, and only writing
//! gives the [`Written`] that a part must return.

use std::fmt::{self, Write};

use super::{KeyBuf, KeyPart};

/// Takes exactly one value.
#[must_use = "a part that writes nothing would make two calls share a key"]
pub struct KeyWriter<'a> {
    buf: &'a mut KeyBuf,
}

/// Proof that a value was written. Only a [`KeyWriter`] makes one.
pub struct Written(());

/// The elements of a sequence, in order.
pub struct Sequence<'a> {
    buf: &'a mut KeyBuf,
}

impl<'a> KeyWriter<'a> {
    #[inline]
    pub(super) fn new(buf: &'a mut KeyBuf) -> Self {
        Self { buf }
    }

    /// Writes text. Any characters may be in it: what is not a letter, a digit, `-`, `_` or `.` is escaped when the
    /// key is rendered.
    #[inline]
    pub fn text(self, text: &str) -> Written {
        self.buf.put_text(text);
        Written(())
    }

    /// Writes a number in decimal; the same value as its decimal text. For a `u128`, a `usize` or an `isize` use
    /// [`part`](Self::part).
    #[inline]
    pub fn integer(self, value: impl Into<i128>) -> Written {
        let value = value.into();
        match u64::try_from(value) {
            Ok(small) => self.small(small),
            Err(_) => self.display(format_args!("{value}")),
        }
    }

    /// Writes the absence of a value, `%N`, which no text renders to.
    #[inline]
    pub fn none(self) -> Written {
        self.buf.put_none();
        Written(())
    }

    /// Writes the presence of a value beside [`none`](Self::none): the value itself, unless that is an absence too.
    /// `None`, `Some(None)` and `Some(Some(None))` are `%N`, `%NN` and `%NNN`.
    #[inline]
    pub fn some<P: KeyPart + ?Sized>(self, part: &P) -> Written {
        let start = self.buf.len();
        let written = part.write(KeyWriter::new(self.buf));
        self.buf.wrap_in_some(start);
        written
    }

    /// Writes a sequence, `(a,b,)`, of the parts that `elements` adds.
    #[inline]
    pub fn sequence(self, elements: impl FnOnce(&mut Sequence<'_>)) -> Written {
        self.buf.open();
        elements(&mut Sequence { buf: self.buf });
        self.buf.close();
        Written(())
    }

    /// Writes what `part` writes.
    #[inline]
    pub fn part<P: KeyPart + ?Sized>(self, part: &P) -> Written {
        part.write(self)
    }

    #[inline]
    pub(super) fn small(self, value: u64) -> Written {
        self.buf.put_integer(value);
        Written(())
    }

    /// Writes formatted text. For types whose format is a standard's, never for a user's `Display`.
    pub(super) fn display(self, text: fmt::Arguments<'_>) -> Written {
        let mut short = Short {
            bytes: [0; 64],
            len: 0,
        };
        match short.write_fmt(text) {
            Ok(()) => self.text(short.as_str()),
            Err(fmt::Error) => self.text(&text.to_string()),
        }
    }
}

impl Sequence<'_> {
    /// Adds one element.
    #[inline]
    pub fn part<P: KeyPart + ?Sized>(&mut self, part: &P) -> &mut Self {
        part.write(KeyWriter::new(self.buf));
        self
    }
}

/// Formatted text on the stack, so that addresses and negative numbers allocate nothing.
struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        // Only whole strings were copied in.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

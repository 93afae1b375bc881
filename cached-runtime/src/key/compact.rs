//! The compact encoding: how one value lies in bytes.
//!
//! | value | bytes |
//! |---|---|
//! | text that is a decimal `u64` without sign or leading zeros, whatever type it came from | `INT`, 8 bytes little-endian |
//! | any other text | `TEXT`, its length, the raw UTF-8 |
//! | `None` | `NONE` |
//! | `Some` of it, and `Some` of that | `NONE`, `SOME`, and one more `SOME` |
//! | a sequence | `OPEN`, its elements, `CLOSE` |
//!
//! A length is one byte below 255, else the byte 255 and 8 bytes little-endian. No value begins with `SOME` or `CLOSE`, so
//! every value tells its own end and concatenations are unambiguous; and since each text has one encoding, comparing
//! bytes is comparing texts. Nothing here promises more than is there: a text has at most three times their number.

pub(super) const INT: u8 = 1;
pub(super) const TEXT: u8 = 2;
pub(super) const NONE: u8 = 3;
pub(super) const OPEN: u8 = 4;
pub(super) const CLOSE: u8 = 5;
pub(super) const SOME: u8 = 6;

/// The length byte that announces a long length.
pub(super) const LONG: u8 = u8::MAX;

/// A value, or one end of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Int(u64),
    Text(&'a str),
    /// With the number of `Some`s around it.
    None(usize),
    Open,
    Close,
}

/// The number that `text` is the canonical decimal of, if it is one.
///
/// Decided by the first byte and the length for nearly every text that is not a number.
#[inline]
pub(super) fn canonical_integer(text: &str) -> Option<u64> {
    match text.as_bytes() {
        [b'0'] => Some(0),
        // Twenty digits are the most a u64 has.
        [b'1'..=b'9', rest @ ..] if rest.len() < 20 => text.parse().ok(),
        _ => None,
    }
}

/// Reads compact bytes from the front. Ends early on bytes that no key is made of.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(compact: &'a [u8]) -> Self {
        Self { rest: compact }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn read(&mut self) -> Option<Token<'a>> {
        match self.bytes(1)?[0] {
            INT => Some(Token::Int(self.long()?)),
            TEXT => {
                let length = usize::try_from(self.length()?).ok()?;
                std::str::from_utf8(self.bytes(length)?).ok().map(Token::Text)
            }
            NONE => {
                let around = self.rest.iter().take_while(|byte| **byte == SOME).count();
                self.bytes(around).map(|_| Token::None(around))
            }
            OPEN => Some(Token::Open),
            CLOSE => Some(Token::Close),
            _ => None,
        }
    }

    fn length(&mut self) -> Option<u64> {
        match self.bytes(1)?[0] {
            LONG => self.long(),
            short => Some(u64::from(short)),
        }
    }

    fn long(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.read();
        if token.is_none() {
            self.rest = &[];
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_integer_is_a_u64_as_it_would_be_printed() {
        for number in [0, 1, 9, 10, 42, u64::MAX - 1, u64::MAX] {
            assert_eq!(canonical_integer(&number.to_string()), Some(number));
        }
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            "1 ",
            " 1",
            "1_0",
            "1e3",
            "18446744073709551616",
            "99999999999999999999",
            "111111111111111111111",
            "٣",
        ] {
            assert_eq!(canonical_integer(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_cut_short_or_unknown_end_the_reading() {
        for bytes in [
            &[INT, 1][..],
            &[TEXT, 2, b'a'],
            &[TEXT, LONG, 1],
            &[TEXT, LONG, 255, 255, 255, 255, 255, 255, 255, 255],
            &[TEXT, 1, 0xFF],
            &[SOME],
            &[CLOSE + 2],
            &[0],
            &[99],
        ] {
            assert_eq!(Tokens::new(bytes).count(), 0, "{bytes:?}");
        }
    }
}

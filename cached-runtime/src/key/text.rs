//! The text of one value: escaping, rendering, parsing.
//!
//! In a value letters, digits, `-`, `_` and `.` stand for themselves and every other byte is `%` and two upper-case hex
//! digits. `%N` is a `None`; `(a,b,)` is a sequence. Parsing takes exactly what rendering makes: another spelling of
//! the same value (`%41` for `A`, lower-case digits) is not a value.

use std::borrow::Cow;

use super::KeyBuf;
use super::compact::{Token, Tokens};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Whether a byte stands for itself.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
}

/// Whether the text of a value may hold this byte.
pub(super) fn is_value_byte(byte: u8) -> bool {
    is_plain(byte) || matches!(byte, b'%' | b'(' | b')' | b',')
}

/// The text of a string as a value. Holds no separator, no glob character and nothing outside ASCII.
pub(crate) fn escape_value(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    push_escaped(text, &mut escaped);
    Cow::Owned(escaped)
}

fn push_escaped(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Renders the next value of `tokens`.
pub(super) fn render(tokens: &mut Tokens<'_>, out: &mut String) {
    // Counted, not recursed: a key may nest as deep as its argument does.
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Int(value) => push_number(value, out),
            Token::Text(text) => push_escaped(text, out),
            Token::None(around) => {
                out.push_str("%N");
                out.extend(std::iter::repeat_n('N', around));
            }
            Token::Open => {
                out.push('(');
                depth += 1;
                continue;
            }
            Token::Close => {
                out.push(')');
                depth = depth.saturating_sub(1);
            }
        }
        if depth == 0 {
            return;
        }
        out.push(',');
    }
}

fn push_number(mut value: u64, out: &mut String) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        // The remainder of a division by ten is a digit.
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.push_str(str::from_utf8(&digits[start..]).unwrap_or_default());
}

/// Writes the one value that `text` is the text of.
pub(super) fn parse(text: &str, key: &mut KeyBuf) -> Option<()> {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        // A value begins here.
        if let Some(inner) = rest.strip_prefix('(') {
            key.open();
            depth += 1;
            rest = inner;
        } else {
            let (scalar, after) = rest.split_at(rest.find(['(', ')', ',']).unwrap_or(rest.len()));
            parse_scalar(scalar, key)?;
            if depth == 0 {
                return after.is_empty().then_some(());
            }
            rest = after.strip_prefix(',')?;
        }
        while let Some(after) = rest.strip_prefix(')') {
            key.close();
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return after.is_empty().then_some(());
            }
            rest = after.strip_prefix(',')?;
        }
    }
}

fn parse_scalar(text: &str, key: &mut KeyBuf) -> Option<()> {
    match text.strip_prefix("%N") {
        Some(around) if around.bytes().all(|byte| byte == b'N') => {
            let start = key.len();
            key.put_none();
            around.bytes().for_each(|_| key.wrap_in_some(start));
        }
        Some(_) => return None,
        None => parse_text(text, key)?,
    }
    Some(())
}

/// Writes the string that `text` is the escaped text of.
pub(super) fn parse_text(text: &str, key: &mut KeyBuf) -> Option<()> {
    key.put_text(&unescape(text)?);
    Some(())
}

fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().all(is_plain) {
        return Some(Cow::Borrowed(text));
    }
    let mut raw = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        raw.push(match byte {
            b'%' => {
                let byte = hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?;
                // Escaped without need: not what rendering makes.
                (!is_plain(byte)).then_some(byte)?
            }
            plain => is_plain(plain).then_some(plain)?,
        });
    }
    String::from_utf8(raw).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::fuzzing::{self, Keys};

    #[test]
    fn values_look_like_the_documentation_says() {
        assert_eq!(escape_value("A-Za_z.0"), "A-Za_z.0");
        assert_eq!(escape_value("a:b*c/é%"), "a%3Ab%2Ac%2F%C3%A9%25");
        assert_eq!(escape_value("\0\x7f \n"), "%00%7F%20%0A");
        assert_eq!(fuzzing::text(&(1_u8, "a,b", true)), "(1,a%2Cb,true,)");
        assert_eq!(fuzzing::text(&[[1, 2], [3, 4]]), "((1,2,),(3,4,),)");
        assert_eq!(fuzzing::text(&["", "(", ")"]), "(,%28,%29,)");
        assert_eq!(fuzzing::text(&()), "()");
        assert_eq!(fuzzing::text(&Vec::<u8>::new()), "()");
        assert_eq!(fuzzing::text(&i128::MIN), i128::MIN.to_string());
        assert_eq!(fuzzing::text(&None::<u8>), "%N");
        assert_eq!(fuzzing::text(&"%N"), "%25N");
        assert_eq!(fuzzing::text(&[Some(None), None, Some(Some("N"))]), "(%NN,%N,N,)");
    }

    #[test]
    fn what_rendering_does_not_make_is_not_parsed() {
        let not_values = [
            "%41", "%3a", "%", "%2", "%2G", "%NA", "%N%N", "%FF", "%C3", "a b", "a*", "é", "a:b", "(", ")",
            "(a", "(a)", "(a,", "(a,))", "()()", "(),", ",", "a,", "(()", "(()),", "(a()", "a(b,)", "#(",
        ];
        for text in not_values {
            assert_eq!(Keys::new("", [""]).compact(text), None, "{text}");
        }
        for text in [
            "", "()", "(,)", "(,,)", "((),)", "((,),a,)", "%N", "%NNN", "(%N,)", "007", "-0",
        ] {
            let keys = Keys::new("", [""]);
            let compact = keys.compact(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(keys.text(&compact), text);
        }
    }

    #[test]
    fn a_value_may_nest_deeper_than_any_stack() {
        let text = "(".repeat(1_000_000);
        assert_eq!(Keys::new("", [""]).compact(&text), None);
        let text = text + &"),".repeat(999_999) + ")";
        let compact = Keys::new("", [""]).compact(&text).unwrap();
        assert_eq!(Keys::new("", [""]).text(&compact), text);
    }
}

//! The template of a function's keys: fixed text with places for values.
//!
//! # Why a text has one reading
//!
//! Between two placeholders stands at least one character that no value renders to, which the macro checks. So from
//! where a value starts, the run of value characters reaches exactly to the first such character of the text behind the
//! placeholder (or, behind the last placeholder, to the end or to the `#` of a tag, which is none either). What that
//! text has before the character is the end of the run, and the value is the rest: nowhere is there a choice. The text
//! of one value has one reading by its own grammar.

use super::compact::Tokens;
use super::{Glob, KeyBuf, KeyBytes, text};

/// Before each type tag of a key.
const TAG: char = '#';

/// A piece of a template, as generated code holds it in a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands in every key.
    Text(&'static str),
    /// A place for a value.
    Value,
}

/// Turns compact keys into text and back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    /// The text before the first value.
    head: String,
    /// For each value, the text that follows it.
    tails: Vec<String>,
}

impl Template {
    /// The template of these pieces.
    ///
    /// Two values must have a character between them that no value renders to, or keys of it may share a text and
    /// [`parse`](Self::parse) finds nothing. The macro checks it for keys; a pattern need not keep it.
    pub(crate) fn new(pieces: &[Piece]) -> Self {
        let mut template = Self {
            head: String::new(),
            tails: Vec::new(),
        };
        for piece in pieces {
            match piece {
                Piece::Text(text) => template
                    .tails
                    .last_mut()
                    .unwrap_or(&mut template.head)
                    .push_str(text),
                Piece::Value => template.tails.push(String::new()),
            }
        }
        template
    }

    /// The template of a function that has none of its own: its path, then every value after a `:`.
    pub(crate) fn for_function(path: &str, values: usize) -> Self {
        let mut template = Self {
            head: path.to_owned(),
            tails: Vec::with_capacity(values),
        };
        for _ in 0..values {
            template.tails.last_mut().unwrap_or(&mut template.head).push(':');
            template.tails.push(String::new());
        }
        template
    }

    /// The template of these texts, with a value before each but the first.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn from_texts<'a>(head: &str, tails: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            head: head.to_owned(),
            tails: tails.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Bytes of the texts between the values.
    pub(crate) fn len(&self) -> usize {
        self.tails
            .iter()
            .fold(self.head.len(), |sum, tail| sum + tail.len())
    }

    /// Appends the text of a compact key of this template.
    pub(crate) fn render(&self, compact: &[u8], out: &mut String) {
        let mut tokens = Tokens::new(compact);
        out.push_str(&self.head);
        for tail in &self.tails {
            text::render(&mut tokens, out);
            out.push_str(tail);
        }
        while !tokens.is_empty() {
            out.push(TAG);
            text::render(&mut tokens, out);
        }
    }

    /// The compact key whose text is `text`; `None` if no key of this template renders to it.
    pub(crate) fn parse(&self, text: &str) -> Option<KeyBytes> {
        let mut key = KeyBuf::new();
        let mut rest = text.strip_prefix(&*self.head)?;
        for (index, tail) in self.tails.iter().enumerate() {
            let (joined, separated) = split_run(tail);
            if separated.is_empty() && index + 1 < self.tails.len() {
                // Two values without a separator: a text has several readings, so none is right.
                return None;
            }
            let (run, after) = split_run(rest);
            text::parse(run.strip_suffix(joined)?, &mut key)?;
            rest = after.strip_prefix(separated)?;
        }
        while !rest.is_empty() {
            let (tag, after) = split_run(rest.strip_prefix(TAG)?);
            text::parse_text(tag, &mut key)?;
            rest = after;
        }
        Some(KeyBytes::from(key.as_bytes()))
    }

    /// The template as one would write it, with nameless placeholders: templates of one shape have the same keys.
    pub(crate) fn shape(&self) -> String {
        self.joined("{}", |text| text.replace('{', "{{").replace('}', "}}"))
    }

    /// The template for people: `{}` for each value, and all else as it stands in a key.
    pub(crate) fn text(&self) -> String {
        self.joined("{}", str::to_owned)
    }

    /// A glob that matches every key of this template, with and without tags. It may match keys of others:
    /// [`parse`](Self::parse) tells them apart.
    pub(crate) fn glob(&self) -> String {
        let mut glob = self.joined("*", Glob::escape);
        // Tags may follow the last text.
        if self.tails.last().is_none_or(|tail| !tail.is_empty()) {
            glob.push('*');
        }
        glob
    }

    fn joined(&self, value: &str, text: impl Fn(&str) -> String) -> String {
        let mut joined = text(&self.head);
        for tail in &self.tails {
            joined.push_str(value);
            joined.push_str(&text(tail));
        }
        joined
    }
}

/// The run of characters that a value may hold, and what is behind it.
fn split_run(text: &str) -> (&str, &str) {
    // Value characters are ASCII, so this is a character boundary.
    text.split_at(
        text.bytes()
            .position(|byte| !text::is_value_byte(byte))
            .unwrap_or(text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &[Piece] = &[Piece::Text("user:"), Piece::Value, Piece::Text(":a*{}")];

    fn text(template: &Template, buf: &KeyBuf) -> String {
        let mut text = String::new();
        template.render(buf.as_bytes(), &mut text);
        text
    }

    #[test]
    fn a_template_tells_its_forms() {
        let template = Template::new(PROFILE);
        assert_eq!(text(&template, KeyBuf::new().part("a:b")), "user:a%3Ab:a*{}");
        assert_eq!(template.text(), "user:{}:a*{}");
        assert_eq!(template.shape(), "user:{}:a*{{}}");
        assert_eq!(template.glob(), r"user:*:a\*{}*");
    }

    #[test]
    fn tags_stand_behind_everything() {
        let template = Template::new(PROFILE);
        let mut buf = KeyBuf::new();
        buf.part(&1_u8).tag_text("u8").tag::<[i64]>();
        assert_eq!(text(&template, &buf), "user:1:a*{}#u8#%5Bi64%5D");
        assert_eq!(
            template.parse("user:1:a*{}#u8#%5Bi64%5D").as_deref(),
            Some(buf.as_bytes())
        );
        for not_a_key in [
            "user:1:a*{}u8",
            "user:1:a*{}#u8:",
            "user:1:a*{}#(u8,)",
            "user:1:a*{}#%N",
            "user:1",
        ] {
            assert_eq!(template.parse(not_a_key), None, "{not_a_key}");
        }
    }

    #[test]
    fn a_function_without_a_template_has_one() {
        assert_eq!(
            Template::for_function("shop::rates", 0),
            Template::new(&[Piece::Text("shop::rates")])
        );
        let two = Template::for_function("shop::rate", 2);
        assert_eq!(
            text(&two, KeyBuf::new().part("eur").part("usd")),
            "shop::rate:eur:usd"
        );
        assert_eq!(two.glob(), "shop::rate:*:*");
        assert_eq!(Template::for_function("shop::rates", 0).glob(), "shop::rates*");
    }

    #[test]
    fn a_text_between_values_may_begin_and_end_like_a_value() {
        let template = Template::new(&[Piece::Value, Piece::Text("a):b"), Piece::Value, Piece::Text("b")]);
        let mut buf = KeyBuf::new();
        buf.part("aa").part("bb");
        assert_eq!(text(&template, &buf), "aaa):bbbb");
        assert_eq!(template.parse("aaa):bbbb").as_deref(), Some(buf.as_bytes()));
        assert_eq!(template.parse("aa:bbbb"), None);
    }

    #[test]
    fn values_without_a_separator_have_no_reading() {
        let template = Template::new(&[Piece::Value, Piece::Text("a"), Piece::Value]);
        assert_eq!(template.parse("xay"), None);
    }
}

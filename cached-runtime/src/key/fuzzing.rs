//! Keys, templates and globs as plain functions, for properties and fuzz targets outside of this crate.

pub use super::KeyBuf;
use super::{Glob, KeyArg, KeyPart, Template, escape_value};

/// The compact form of a key with one value.
pub fn compact(part: &(impl KeyPart + ?Sized)) -> Vec<u8> {
    KeyBuf::new().part(part).as_bytes().to_vec()
}

/// The compact form of a key whose one argument, a `T`, is given by what stands for it.
pub fn compact_arg<T: ?Sized>(arg: &impl KeyArg<T>) -> Vec<u8> {
    KeyBuf::new().arg::<T, _>(arg).as_bytes().to_vec()
}

/// The text of a value.
pub fn text(part: &(impl KeyPart + ?Sized)) -> String {
    Keys::new("", [""]).text(&compact(part))
}

/// The keys of one template.
#[derive(Debug, Clone)]
pub struct Keys(Template);

impl Keys {
    /// Of the template that begins with `head` and then has, for each text of `tails`, a value before that text.
    pub fn new<'a>(head: &str, tails: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Template::from_texts(head, tails))
    }

    /// The text of a compact key.
    pub fn text(&self, compact: &[u8]) -> String {
        let mut text = String::new();
        self.0.render(compact, &mut text);
        text
    }

    /// The compact key that has this text.
    pub fn compact(&self, text: &str) -> Option<Vec<u8>> {
        self.0.parse(text).map(|key| key.to_vec())
    }

    /// A glob that matches every key.
    pub fn glob(&self) -> String {
        self.0.glob()
    }
}

/// Whether the glob `pattern` matches the whole of `text`.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    Glob::new(pattern).matches(text)
}

/// The pattern that matches `text` alone.
pub fn glob_escape(text: &str) -> String {
    Glob::escape(text)
}

/// The text of a string as a value.
pub fn escape(text: &str) -> String {
    escape_value(text).into_owned()
}

//! A key with the template that gives it text.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{KeyBuf, KeyBytes, Template};

/// The key of an entry. Displays as its text, without the namespace: `user:42`.
///
/// Two keys are equal if their texts are, whichever function they belong to.
#[derive(Clone)]
pub struct Key {
    template: Arc<Template>,
    compact: KeyBytes,
}

impl Key {
    /// The key of `template` with the values in `buf`.
    pub(crate) fn new(template: Arc<Template>, buf: &KeyBuf) -> Self {
        Self {
            template,
            compact: KeyBytes::from(buf.as_bytes()),
        }
    }

    /// The key of `template` with the values that were kept in compact form.
    pub(crate) fn from_bytes(template: Arc<Template>, compact: KeyBytes) -> Self {
        Self { template, compact }
    }

    /// The compact form.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.compact
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.template.render(&self.compact, &mut text);
        text
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        if self.template == other.template {
            self.compact == other.compact
        } else {
            self.text() == other.text()
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Keys of two templates may be equal, so only the text can be hashed.
        self.text().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::key::Piece;

    #[test]
    fn keys_are_their_texts() {
        let key =
            |pieces: &[Piece], id: &str| Key::new(Arc::new(Template::new(pieces)), KeyBuf::new().part(id));
        let user = [Piece::Text("user:"), Piece::Value];
        let one = key(&user, "1");
        assert_eq!(one.to_string(), "user:1");
        assert_eq!(format!("{one:?} {one:>8}"), "\"user:1\"   user:1");
        assert_eq!(one.as_bytes(), KeyBuf::new().part(&1_u8).as_bytes());

        let same = key(&[Piece::Text("user"), Piece::Text(":"), Piece::Value], "1");
        let spelled = Key::new(Arc::new(Template::new(&[Piece::Text("user:1")])), &KeyBuf::new());
        let other = key(&user, "2");
        assert_eq!(one, same);
        assert_eq!(one, spelled);
        assert_ne!(one, other);
        assert_eq!(HashSet::from([one.clone(), same, spelled, other, one]).len(), 2);
    }
}

//! Globs as a database can look for them: more than they match, never less.
//!
//! `LIKE` has no classes, and its `_` is a byte here and a character there. So a pattern gives a range of heads, which
//! an index answers, and a `LIKE` of its longest literal piece, which keeps most of what does not match from
//! travelling; what comes is then put to the glob itself. One piece is enough, and more would be dear: a database
//! tries every way to divide a key among the wildcards.

use crate::key::Glob;

/// How much of a key the index knows, in bytes.
pub(super) const HEAD: usize = 128;
/// Takes the next character of a `LIKE` as it is. Not a backslash, which some settings of some servers read twice.
pub(super) const ESCAPE: u8 = b'|';
/// Of a longer piece its beginning is enough.
const LONGEST: usize = 1_000;

/// A glob, made ready for a search.
pub(super) struct Search {
    glob: Glob,
    /// Every match begins with this, as far as heads go.
    pub(super) from: Vec<u8>,
    /// No match has a head from here on; `None` where there is no end.
    pub(super) until: Option<Vec<u8>>,
    pub(super) like: Vec<u8>,
}

/// The beginning of a key that the index knows.
pub(super) fn head_of(key: &str) -> &[u8] {
    &key.as_bytes()[..key.len().min(HEAD)]
}

impl Search {
    pub(super) fn new(pattern: &str) -> Self {
        let glob = Glob::new(pattern);
        let mut pieces = vec![Vec::new()];
        for literal in glob.literals() {
            match (literal, pieces.last_mut()) {
                (Some(byte), Some(piece)) => piece.push(byte),
                _ => pieces.push(Vec::new()),
            }
        }
        let mut from = pieces[0].clone();
        from.truncate(HEAD);
        let longest = pieces.iter().max_by_key(|piece| piece.len());
        Self {
            until: end_of(&from),
            like: like(longest.map_or(&[], Vec::as_slice)),
            glob,
            from,
        }
    }

    /// Whether `key` matches the glob.
    pub(super) fn matches(&self, key: &str) -> bool {
        self.glob.matches(key)
    }
}

/// The least bytes that are greater than all that begin with `start`.
fn end_of(start: &[u8]) -> Option<Vec<u8>> {
    let last = start.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = start[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// Anything that holds `piece`.
fn like(piece: &[u8]) -> Vec<u8> {
    let mut like = vec![b'%'];
    for byte in &piece[..whole(piece, LONGEST)] {
        if matches!(*byte, b'%' | b'_' | ESCAPE) {
            like.push(ESCAPE);
        }
        like.push(*byte);
    }
    like.push(b'%');
    like
}

/// Where to cut, for one who reads characters: not inside of one.
fn whole(piece: &[u8], most: usize) -> usize {
    let is_inside = |at: usize| piece.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (0..=piece.len().min(most))
        .rev()
        .find(|at| !is_inside(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pattern: &str) -> (String, String) {
        let search = Search::new(pattern);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(search.from), text(search.like))
    }

    #[test]
    fn the_beginning_and_the_longest_piece_are_looked_for() {
        for (pattern, from, like) in [
            ("", "", "%%"),
            ("*", "", "%%"),
            ("shop:user:1", "shop:user:1", "%shop:user:1%"),
            ("shop:user:*", "shop:user:", "%shop:user:%"),
            ("a:*:posts", "a:", "%:posts%"),
            (r"a\*[b-d]?x", "a*", "%a*%"),
            ("a%b_c|d*", "a%b_c|d", "%a|%b|_c||d%"),
            ("a[b", "a", "%a%"),
            ("ä*", "ä", "%ä%"),
        ] {
            assert_eq!(said(pattern), (from.to_owned(), like.to_owned()), "{pattern}");
        }
    }

    #[test]
    fn a_range_ends_where_no_match_can_be() {
        assert_eq!(end_of(b""), None);
        assert_eq!(end_of(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(end_of(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(end_of(b"\xff"), None);
    }

    #[test]
    fn a_long_piece_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let search = Search::new(&format!("{long}*"));
        assert_eq!(search.from.len(), HEAD);
        assert!(str::from_utf8(&search.like).is_ok());
        assert!(search.matches(&(long + "!")));
    }
}

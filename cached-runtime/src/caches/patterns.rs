//! Every pattern that a writer of the program removes by, collected at link time.
//!
//! Looked at when a `Caches` is built, since a store that cannot find keys by pattern cannot do what such a writer says.

use std::collections::HashSet;

use super::mistakes::described;
use super::registry::{Site, sites};
use crate::key::{Glob, Piece, Template};

/// `#[invalidate(pattern = "..")]` on a function.
pub struct Pattern {
    function: &'static str,
    pieces: &'static [Piece],
    file: &'static str,
    line: u32,
}

inventory::collect!(&'static Pattern);

impl Pattern {
    /// Made by the expansion.
    pub const fn new(
        function: &'static str,
        pieces: &'static [Piece],
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            function,
            pieces,
            file,
            line,
        }
    }

    /// With this in the place of each value: `*` makes a glob that matches whatever the pattern does.
    fn with_values(&self, value: &str) -> String {
        let pieces = self.pieces.iter();
        pieces.fold(String::new(), |text, piece| match piece {
            Piece::Text(piece) => text + piece,
            Piece::Value => text + value,
        })
    }
}

/// What the patterns of the program could mean and a store without patterns keeps: for each such pair one complaint.
/// `kept` says in which such store a function keeps its entries.
pub(super) fn mistakes<'a>(kept: impl Fn(&Site) -> Option<&'a str>) -> Vec<String> {
    let mut mistakes = Vec::new();
    for site in sites() {
        if let Some(store) = kept(site) {
            mistakes.extend(mistakes_of(&described(site), &site.template(), store));
        }
    }
    mistakes
}

/// The same for one cache, whose keys are in such a `store`.
pub(super) fn mistakes_of(cache: &str, keys: &Template, store: &str) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut seen = HashSet::new();
    for pattern in inventory::iter::<&'static Pattern> {
        if !may_match(keys, &Glob::new(&pattern.with_values("*"))) {
            continue;
        }
        let written = pattern.with_values("{}");
        let Pattern {
            function, file, line, ..
        } = pattern;
        let mistake = format!(
            "`{function}` ({file}:{line}) removes by the pattern `{written}`, which {cache} has keys of, and the store \
             `{store}` cannot find keys by pattern: name the entries or the whole cache, or say with \
             `caches = ..` which `Caches` it is for"
        );
        // An instantiation of a generic writer may be there several times.
        if seen.insert(mistake.clone()) {
            mistakes.push(mistake);
        }
    }
    mistakes
}

/// Whether a cache may have a key that the pattern matches.
pub(super) fn may_match(keys: &Template, pattern: &Glob) -> bool {
    Glob::new(&keys.glob()).meets(pattern)
}

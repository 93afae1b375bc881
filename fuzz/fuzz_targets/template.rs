//! Any template: what parses renders back, and what was rendered parses back.
//!
//! Lines: a text that may be a key, the head, a value, and then tails and values in turn.

#![no_main]

use cached_runtime::fuzzing::key::{self, KeyBuf, Keys};
use libfuzzer_sys::fuzz_target;

fn separates(text: &str) -> bool {
    text.chars()
        .any(|character| !(character.is_ascii_alphanumeric() || "-_.%(),".contains(character)))
}

fuzz_target!(|data: &str| {
    let mut lines = data.split('\n');
    let (text, head) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let rest: Vec<&str> = lines.collect();
    let (values, tails): (Vec<&str>, Vec<&str>) = rest.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    let keys = Keys::new(head, tails.iter().copied());

    if let Some(compact) = keys.compact(text) {
        assert_eq!(keys.text(&compact), text);
        assert!(key::glob_matches(&keys.glob(), text));
    }

    let mut buf = KeyBuf::new();
    for value in &values {
        // `=(a,b` is a list of texts.
        match value.strip_prefix('=').and_then(|list| list.strip_prefix('(')) {
            Some(list) => buf.part(&list.split(',').map(Some).collect::<Vec<_>>()),
            None => buf.part(value),
        };
    }
    if rest.len() % 2 == 1 {
        buf.tag_text(rest[rest.len() - 1]);
    }
    let text = keys.text(buf.as_bytes());
    assert!(key::glob_matches(&keys.glob(), &text));
    let between = tails.split_last().map_or(&[][..], |(_, between)| between);
    if between.iter().all(|tail| separates(tail)) {
        assert_eq!(keys.compact(&text).as_deref(), Some(buf.as_bytes()));
    }
});

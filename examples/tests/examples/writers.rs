//! What the examples of writers promise on the terminal.

use crate::place::Place;

/// The words after `start`, of the lines that begin with it.
fn told<'a>(said: &'a str, start: &str) -> Vec<&'a str> {
    let lines = said.lines().filter_map(|line| line.strip_prefix(start));
    lines.map(str::trim).collect()
}

#[test]
fn a_write_through_is_read_without_a_query() {
    let said = Place::new().run("write-through");
    let queries = told(&said, "queries for it");
    assert_eq!(queries.first(), Some(&"0"), "{said}");
    assert_eq!(queries.len(), 2, "{said}");
    assert_ne!(told(&said, "before"), told(&said, "the next call"), "{said}");
}

#[test]
fn a_write_behind_is_seen_at_once_and_written_now_and_then() {
    let said = Place::new().run("write-behind");
    assert_eq!(told(&said, "seen at once"), ["Some(1099)"], "{said}");
    assert_eq!(told(&said, "in the database"), ["Some(1099)"], "{said}");
    let updates: Vec<u64> = told(&said, "updates run")
        .iter()
        .map(|runs| runs.parse().unwrap())
        .collect();
    assert!(updates.len() == 1 && (10..=3_000).contains(&updates[0]), "{said}");
}

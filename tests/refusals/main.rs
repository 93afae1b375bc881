//! What `Caches::builder().build()` refuses: everything that is wrong, in one error. In a program of its own, since its
//! functions cannot be served.

#![expect(dead_code, reason = "these functions are collected, not called")]

use cached_runtime::stores::Null;
use cached_runtime::{Caches, ErrorKind, cache, invalidate};

use self::blind::Blind;

mod blind;

const CHAIN: &[&str] = &["redis", "local"];
const EMPTY: &[&str] = &[];
const TWICE: &[&str] = &["elsewhere", "elsewhere"];

#[cache(backend = ["local", "nowhere"])]
async fn missing_store(id: u64) -> u64 {
    id
}

#[cache(backend = CHAIN)]
async fn memory_below(id: u64) -> u64 {
    id
}

#[cache(backend = EMPTY)]
async fn empty_chain(id: u64) -> u64 {
    id
}

#[cache(backend = TWICE)]
async fn named_twice(id: u64) -> u64 {
    id
}

#[cache(name = "twins", backend = "local")]
async fn first_name(id: u64) -> u64 {
    id
}

#[cache(name = "twins", backend = "local")]
async fn second_name(id: u64) -> u64 {
    id
}

#[cache(key = "user:{id}", backend = "local")]
async fn first_key(id: u64) -> u64 {
    id
}

/// The argument's name does not matter: the keys would be the same.
#[cache(key = "user:{user}", backend = "local")]
async fn second_key(user: &str) -> u64 {
    user.len() as u64
}

#[cache(key = "user:{id}:x", backend = "local")]
async fn other_key(id: u64) -> u64 {
    id
}

#[cache(key = "order:{id}:lines", backend = "blind")]
async fn without_patterns(id: u64) -> u64 {
    id
}

#[invalidate(pattern = "order:{id}:*")]
async fn by_pattern(id: u64) {}

/// Keys of functions in other stores.
#[invalidate(pattern = "user:{id}:*")]
async fn by_other_pattern(id: u64) {}

fn refused(caches: Result<Caches, cached_runtime::Error>) -> Vec<String> {
    let error = caches.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    println!("{text}");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("these caches cannot be built:"));
    lines
        .map(|line| line.strip_prefix("  - ").unwrap().to_owned())
        .collect()
}

#[track_caller]
fn one(lines: &[String], words: &[&str]) {
    let found = lines
        .iter()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    assert_eq!(found.count(), 1, "{words:?} in {lines:#?}");
}

#[test]
fn everything_that_is_wrong_is_in_one_error() {
    let lines = refused(
        Caches::builder()
            .store("elsewhere", Null)
            .store("twin", Null)
            .store("twin", Null)
            .store("blind", Blind)
            .store("local", Null)
            .backend(["local", "unknown"])
            .build(),
    );
    one(&lines, &["missing_store", "main.rs:", "`nowhere`"]);
    one(&lines, &["memory_below", "`local`", "memory comes first"]);
    one(&lines, &["memory_below", "`redis`", "Redis::connect"]);
    one(&lines, &["empty_chain"]);
    one(&lines, &["named_twice", "`elsewhere` twice"]);
    one(&lines, &["`twins`", "`name`"]);
    one(&lines, &["first_key", "second_key", "`user:{}`", "`key`"]);
    one(&lines, &["two stores", "`twin`"]);
    one(&lines, &["`local` is taken"]);
    one(&lines, &["the default chain", "`unknown`"]);
    one(
        &lines,
        &[
            "`by_pattern` (",
            "`order:{}:*`",
            "without_patterns",
            "`blind` cannot find keys",
        ],
    );
    assert_eq!(lines.len(), 11, "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("by_other_pattern")));
    assert!(!lines.iter().any(|line| line.contains("other_key")));
}

#[test]
fn the_default_chain_is_checked() {
    for (chain, words) in [
        (vec![], "empty"),
        (vec!["elsewhere", "local"], "memory comes first"),
        (vec!["local", "moka"], "memory comes first, and once"),
        (vec!["local", "local"], "twice"),
    ] {
        let lines = refused(Caches::builder().store("elsewhere", Null).backend(chain).build());
        assert!(
            lines
                .iter()
                .any(|line| line.contains("the default chain") && line.contains(words)),
            "{words}"
        );
    }
}

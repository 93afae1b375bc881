//! What `build` refuses: everything that is wrong, in one error, in the words of the attribute.

use std::time::Duration;

use cached_runtime::stores::Null;
use cached_runtime::{Cache, Caches, CachesBuilder, Codec, Strategy, cache};

use crate::setup::{MINUTE, here, refused};

#[cache(name = "taken", backend = "local")]
async fn by_name(id: u64) -> u64 {
    id
}

#[cache(key = "orders:{id}", backend = "local")]
async fn by_template(id: u64) -> u64 {
    id
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
    let (caches, _clock) = here();
    let lines = refused::<u64>(
        caches
            .cache("a\nb")
            .ttl(Duration::ZERO)
            .jitter(1.0)
            .refresh_at(80.0)
            .backend(["redis", "local", "nowhere", "redis"])
            .tier("redis", |tier| tier.capacity(5))
            .tier("elsewhere", |tier| tier)
            .tier("local", |tier| tier.max_bytes(0))
            .tier("local", |tier| tier.ttl(MINUTE))
            .max_bytes(1_000)
            .capacity(0)
            .build(),
    );
    one(&lines, &["control character `\\n`"]);
    one(&lines, &["duration of zero"]);
    one(&lines, &["`jitter`", "fraction"]);
    one(&lines, &["`refresh_at`", "fraction"]);
    one(&lines, &["`local` is memory", "memory comes first"]);
    one(&lines, &["`nowhere`", "none is registered"]);
    one(&lines, &["`redis` twice"]);
    one(
        &lines,
        &["`capacity` bounds memory", "`redis` has limits of its own"],
    );
    one(&lines, &["`elsewhere` is not in this cache's `backend`"]);
    one(&lines, &["`elsewhere` has no settings"]);
    one(&lines, &["settings of `local` are given twice"]);
    one(&lines, &["size of zero"]);
    one(&lines, &["capacity of zero"]);
    one(&lines, &["`max_bytes` is said of the memory tier too"]);
    one(&lines, &["add `weight`"]);
    assert_eq!(lines.len(), 15, "{lines:#?}");
}

#[test]
fn one_mistake_is_one_line() {
    let (caches, _clock) = here();
    let cache = |name: &str| caches.cache::<u64>(name);
    for (built, words) in [
        (cache("").build(), "cannot be empty"),
        (cache("taken").build(), "a cached function is named `taken`"),
        (cache("orders").build(), "same key template, `orders:{}`"),
        (cache("{generation}:a").build(), "taken by this crate"),
        (cache("a").backend([] as [&str; 0]).build(), "is empty"),
        (cache("a").backend(["nowhere"]).build(), "`nowhere`"),
        (
            cache("a").backend(["redis", "local"]).build(),
            "memory comes first",
        ),
        (
            cache("a").backend(["local", "moka"]).build(),
            "memory comes first, and once",
        ),
        (cache("a").max_bytes(5).build(), "add `weight`"),
        (cache("a").weight(|_, value| *value).build(), "add `max_bytes`"),
        (cache("a").jitter(0.1).build(), "add `ttl`"),
        (cache("a").ttl(MINUTE).jitter(-0.1).build(), "-0.1"),
        (cache("a").ttl(MINUTE).jitter(f64::NAN).build(), "NaN"),
        (cache("a").none_ttl(Duration::ZERO).build(), "duration of zero"),
        (
            cache("a").ttl(MINUTE).idle(MINUTE).build(),
            "before `idle` could end it",
        ),
        (
            cache("a").stale(MINUTE).build(),
            "`stale` begins where the ttl ends",
        ),
        (
            cache("a").ttl(MINUTE).stale(Duration::ZERO).build(),
            "duration of zero",
        ),
        (cache("a").refresh(Duration::ZERO).build(), "duration of zero"),
        (
            cache("a").ttl(MINUTE).refresh(MINUTE).build(),
            "before `refresh` could begin",
        ),
        (cache("a").refresh_at(0.5).build(), "a part of the ttl"),
        (
            cache("a").strategy(Strategy::RefreshAhead).build(),
            "`Strategy::RefreshAhead` reloads at 0.8 of the ttl",
        ),
        (cache("a").ttl(MINUTE).refresh_at(0.0).build(), "this is 0"),
        (cache("a").ttl(MINUTE).refresh_at(1.0).build(), "this is 1"),
        (cache("a").ttl(MINUTE).refresh_at(-0.5).build(), "this is -0.5"),
        (cache("a").ttl(MINUTE).refresh_at(f64::NAN).build(), "this is NaN"),
        (
            cache("a").ttl(MINUTE).refresh_at(0.999_999_9).build(),
            "less than 1",
        ),
        (
            cache("a").queue(5).build(),
            "`queue` is about writes that are run later",
        ),
        (
            cache("a").strategy(Strategy::WriteThrough).retries(5).build(),
            "`retries` is about writes that are run later",
        ),
        (cache("a").concurrency(5).build(), "`concurrency` is about writes"),
        (
            cache("a")
                .strategy(Strategy::WriteBehind)
                .queue(0)
                .retries(0)
                .build(),
            "`queue` of zero",
        ),
        (
            cache("a").strategy(Strategy::WriteBehind).concurrency(0).build(),
            "`concurrency` of zero",
        ),
        (
            cache("a").backend(["redis"]).capacity(5).build(),
            "nothing in this chain is",
        ),
        (
            cache("a").backend(["local"]).codec(Codec::Json).build(),
            "`codec` is about remote",
        ),
        (
            cache("a").backend(["local"]).version(1).build(),
            "`version` is about remote",
        ),
        (
            cache("a").backend(["local"]).compress(1).build(),
            "`compress` is about remote",
        ),
        (
            cache("a").backend(["local", "redis"]).build_in_memory(),
            "use `build`",
        ),
    ] {
        let lines = refused(built);
        assert_eq!(lines.len(), 1, "{words}: {lines:#?}");
        one(&lines, &[words]);
    }
    assert!(caches.stats().caches.is_empty(), "nothing was made");
}

#[test]
fn the_error_says_where() {
    let (caches, _clock) = here();
    let (line, built) = (line!(), caches.cache::<u64>("").build());
    let text = built.unwrap_err().to_string();
    assert!(
        text.starts_with(&format!("the cache `` (tests/handles/refusals.rs:{line}:")),
        "{text}"
    );
}

/// What holds for one environment may not be wrong in another: `capacity` counts where the chain turns out to be memory.
#[test]
fn settings_of_a_chain_that_the_environment_chooses_are_no_mistake() {
    let caches = crate::setup::with(cached_runtime::stores::Null)
        .backend(["redis"])
        .build()
        .unwrap();
    let built: Result<Cache<u64>, _> = caches
        .cache("numbers")
        .capacity(5)
        .tier("local", |tier| tier.ttl(MINUTE))
        .build();
    assert!(built.is_ok());
}

#[test]
fn stores_have_names_of_their_own() {
    for (names, said) in [
        (&[""][..], "a store is registered without a name"),
        (&["near", " "], "a store is registered without a name"),
        (&["near", "near"], "two stores are registered as `near`"),
        (&["local"], "`local` is taken by a memory tier"),
        (&["moka"], "`moka` is taken by a memory tier"),
    ] {
        let with = |builder: CachesBuilder, name: &&str| builder.store(*name, Null);
        let built = names.iter().fold(Caches::builder(), with).build();
        let text = built.unwrap_err().to_string();
        assert!(text.contains(said), "{names:?}: {text}");
    }
}

//! Keys: whatever a value holds, no two share an entry, and their text is that of a function's keys.

use std::collections::HashSet;

use cached_runtime::{Cache, KeyPart, cache};

use crate::setup::{built, here};

#[derive(KeyPart)]
struct Page {
    org: u64,
    name: String,
}

#[cache(key = "pages:{page}", backend = "local")]
async fn page(page: &Page) -> u64 {
    page.org
}

#[tokio::test]
async fn odd_keys_are_apart_and_found_by_their_text() {
    let (caches, _clock) = here();
    let texts: Cache<String> = built(&caches, "texts", |it| it);
    let long = "é".repeat(5_000);
    let odd = [
        "",
        " ",
        "*",
        "?",
        "[a-z]",
        "\\",
        ":",
        "a:b",
        "a%3Ab",
        "%",
        "%N",
        "N",
        "(",
        ")",
        "(,)",
        "(a,)",
        "a,b",
        "\0",
        "\n",
        "#",
        "#u8",
        "{}",
        "é",
        "日本",
        "🦀",
        "-0",
        "007",
        "1e3",
        "None",
        "true",
        "../../etc",
        long.as_str(),
    ];
    let mut seen = HashSet::new();
    for key in odd {
        texts.entry(key).insert(key.to_owned()).await.unwrap();
        let text = texts.entry(key).key().to_string();
        assert!(text.starts_with("texts:") && seen.insert(text), "{key}");
    }
    let found = texts.get_many(odd).await.unwrap();
    for (key, found) in odd.iter().zip(found) {
        assert_eq!(found.as_deref(), Some(*key));
    }
    for key in odd {
        caches
            .invalidate_key(&texts.entry(key).key().to_string())
            .await
            .unwrap();
        assert_eq!(texts.entry(key).get().await.unwrap(), None, "{key}");
    }
    assert_eq!(texts.stats().entries, 0);
}

#[tokio::test]
async fn a_key_is_its_text_whatever_it_was_made_of() {
    let (caches, _clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it);
    numbers.entry(42_u64).insert(1).await.unwrap();
    for same in [
        numbers.entry("42"),
        numbers.entry(42_i8),
        numbers.entry(String::from("42")),
        numbers.entry(Some(&42)),
        numbers.entry(Box::new(42_u128)),
    ] {
        assert_eq!(same.get().await.unwrap(), Some(1), "{same:?}");
        assert_eq!(same.key().to_string(), "numbers:42");
    }
    for other in [
        numbers.entry("042"),
        numbers.entry((42,)),
        numbers.entry([42]),
        numbers.entry(-42),
        numbers.entry(None::<u64>),
    ] {
        assert_eq!(other.get().await.unwrap(), None, "{other:?}");
    }
    assert_eq!(
        numbers.entry(("a:b", 7, [true])).key().to_string(),
        "numbers:(a%3Ab,7,(true,),)"
    );
}

#[tokio::test]
async fn types_of_ones_own_are_keys_as_they_are_arguments() {
    let (caches, _clock) = here();
    let of = |org| Page {
        org,
        name: "a b".to_owned(),
    };
    let own: Cache<u64> = built(&caches, "own", |it| it);
    let by_function = caches.scope(async { page_entry(of(1)) }).await;
    let text = |key: &cached_runtime::Key| key.to_string().split_once(':').unwrap().1.to_owned();
    assert_eq!(text(own.entry(of(1)).key()), text(by_function.key()));
    own.entry(of(1)).insert(1).await.unwrap();
    assert_eq!(own.get_many([of(1), of(2)]).await.unwrap(), [Some(1), None]);
}

#[tokio::test]
async fn odd_names_are_names() {
    let (caches, _clock) = here();
    for name in [
        "*",
        "a b",
        "a:*",
        "é",
        "#",
        "{id}",
        "[a]",
        "a::b",
        "\\",
        &"n".repeat(300),
    ] {
        let numbers: Cache<u64> = built(&caches, name, |it| it);
        numbers.entry(1).insert(1).await.unwrap();
        let text = numbers.entry(1).key().to_string();
        assert_eq!(text, format!("{name}:1"));
        assert_eq!(numbers.get_many([1]).await.unwrap(), [Some(1)]);
        caches.invalidate_key(&text).await.unwrap();
        assert_eq!(numbers.entry(1).get().await.unwrap(), None, "{name}");
    }
    // The one that is called `*` is cleared alone.
    let (star, other) = (
        built::<u64>(&caches, "*", |it| it),
        built::<u64>(&caches, "é", |it| it),
    );
    for cache in [&star, &other] {
        cache.entry(1).insert(1).await.unwrap();
    }
    star.clear().await.unwrap();
    assert_eq!(
        (
            star.entry(1).get().await.unwrap(),
            other.entry(1).get().await.unwrap()
        ),
        (None, Some(1))
    );
}

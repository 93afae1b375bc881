//! The names of keys in Redis, whatever the arguments hold.

use std::collections::BTreeSet;

use cached_runtime::{Caches, cache};
use cached_tests::RedisServer;

use crate::setup::{Source, caches, connect};

/// What somebody will put in a name.
const TEXTS: [&str; 26] = [
    "",
    " ",
    ":",
    "::",
    "*",
    "?",
    "[a-z]",
    "[",
    "]",
    "\\",
    "\\*",
    "%",
    "%3A",
    "%25",
    "%N",
    "None",
    "a:b",
    "a",
    "b",
    "line\nbreak\r\n",
    "\0",
    "\u{1F980}",
    "\u{e9}",
    "e\u{301}",
    "{shop:text:a}:lease",
    "(a,b,)",
];

#[cache(key = "text:{text}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn one(source: &Source, text: &str) -> String {
    source.load();
    text.to_owned()
}

#[cache(key = "pair:{a}:{b}", ttl = "1h", backend = "redis", skip(source))]
async fn pair(source: &Source, a: &str, b: &str) -> (String, String) {
    source.load();
    (a.to_owned(), b.to_owned())
}

#[cache(key = "listed:{list}/{last}", ttl = "1h", backend = "redis", skip(source))]
async fn listed(source: &Source, list: &[Option<&str>], last: Option<(u8, char)>) -> String {
    source.load();
    format!("{list:?} {last:?}")
}

/// The rule, as section 5 of the design has it.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

async fn names(server: &RedisServer) -> BTreeSet<String> {
    let keys: Vec<String> = server.cli(&["KEYS", "*"]).await;
    keys.into_iter().collect()
}

#[tokio::test]
async fn every_text_has_a_key_of_its_own_and_comes_back() {
    let server = RedisServer::start().await;
    let source = Source::default();
    let writer = caches(&server).await;
    for text in TEXTS {
        assert_eq!(writer.scope(one(&source, text)).await, text);
    }
    let expected: BTreeSet<_> = TEXTS
        .iter()
        .map(|text| format!("shop:text:{}", escaped(text)))
        .collect();
    assert_eq!(expected.len(), TEXTS.len());
    assert_eq!(names(&server).await, expected);
    let reader = caches(&server).await;
    for text in TEXTS {
        assert_eq!(reader.scope(one(&source, text)).await, text);
    }
    assert_eq!(source.loads(), TEXTS.len() as u64);

    // Each can be removed by its handle and by its text, and takes nothing else with it.
    for (text, left) in TEXTS.iter().zip((0..TEXTS.len()).rev()) {
        let entry = reader.scope(async { one_entry(text) }).await;
        if left % 2 == 0 {
            entry.invalidate().await.unwrap();
        } else {
            reader.invalidate_key(&entry.key().to_string()).await.unwrap();
        }
        assert_eq!(names(&server).await.len(), left, "{text:?}");
    }
}

#[tokio::test]
async fn no_two_pairs_share_a_key() {
    let server = RedisServer::unix().await;
    let source = Source::default();
    let (writer, reader) = (caches(&server).await, caches(&server).await);
    for caches in [writer, reader] {
        for a in TEXTS {
            for b in TEXTS {
                let (got_a, got_b) = caches.scope(pair(&source, a, b)).await;
                assert_eq!((&*got_a, &*got_b), (a, b));
            }
        }
    }
    assert_eq!(source.loads(), (TEXTS.len() * TEXTS.len()) as u64);
    let keys = names(&server).await;
    assert_eq!(keys.len(), TEXTS.len() * TEXTS.len());
    assert!(keys.contains("shop:pair::"), "two empty texts");
    assert!(keys.contains("shop:pair:a%3Ab:%2A"));
}

/// What is asked for, and the key.
type Listed = (&'static [Option<&'static str>], Option<(u8, char)>, &'static str);

#[tokio::test]
async fn lists_tuples_and_nothing_are_spelled_as_designed() {
    let server = RedisServer::start().await;
    let source = Source::default();
    let calls: [Listed; 7] = [
        (&[], None, "shop:listed:()/%N"),
        (&[None], Some((7, ':')), "shop:listed:(%N,)/(7,%3A,)"),
        (&[Some("")], None, "shop:listed:(,)/%N"),
        (&[Some("None")], None, "shop:listed:(None,)/%N"),
        (&[Some("a"), Some("b")], None, "shop:listed:(a,b,)/%N"),
        (&[Some("a,b")], None, "shop:listed:(a%2Cb,)/%N"),
        (&[Some("%N")], Some((255, 'x')), "shop:listed:(%25N,)/(255,x,)"),
    ];
    let caches = caches(&server).await;
    for (list, last, _) in calls {
        caches.scope(listed(&source, list, last)).await;
    }
    let expected: BTreeSet<_> = calls.iter().map(|(_, _, name)| (*name).to_owned()).collect();
    assert_eq!(names(&server).await, expected);
}

#[tokio::test]
async fn namespaces_are_escaped_and_kept_apart() {
    let server = RedisServer::start().await;
    let source = Source::default();
    let spaces = [
        "shop",
        "shop:",
        "shop*",
        "s[h]op",
        "SHOP",
        "\u{1F980}",
        "%",
        "{shop}",
        "a\nb",
        "sho?",
    ];
    let mut all = Vec::new();
    for space in spaces {
        let caches = Caches::builder()
            .namespace(space)
            .store("redis", connect(&server).await)
            .store("second", cached_runtime::stores::Null)
            .build()
            .unwrap();
        caches.scope(one(&source, "a")).await;
        all.push(caches);
    }
    let expected: BTreeSet<_> = spaces
        .iter()
        .map(|space| format!("{}:text:a", escaped(space)))
        .collect();
    assert_eq!(names(&server).await, expected);
    assert_eq!(source.loads(), spaces.len() as u64);

    // Clearing one leaves the others.
    for (caches, left) in all.iter().zip((0..spaces.len()).rev()) {
        caches.clear().await.unwrap();
        assert_eq!(names(&server).await.len(), left);
    }

    // Without a namespace the key is the key.
    let bare = Caches::builder()
        .namespace("")
        .store("redis", connect(&server).await)
        .store("second", cached_runtime::stores::Null)
        .build()
        .unwrap();
    bare.scope(one(&source, "a")).await;
    assert_eq!(names(&server).await, BTreeSet::from(["text:a".to_owned()]));
}

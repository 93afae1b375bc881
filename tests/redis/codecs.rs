//! Values as bytes in Redis: every codec, a change of codec, compression, versions.

use std::collections::HashMap;

use cached_runtime::fuzzing::codec::{encode, fingerprint, seal};
use cached_runtime::{Codec, cache};
use cached_tests::{Heard, RedisServer};
use serde::{Deserialize, Serialize};

use crate::setup::{Source, caches, raw, tier};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: Option<String>,
    lines: Vec<(u32, String)>,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Open,
    Paid { cents: i64 },
}

fn order_of(id: u64) -> Order {
    Order {
        id,
        customer: Some("Ada \u{1F980}".to_owned()),
        lines: vec![(1, "lamp".to_owned()), (u32::MAX, String::new())],
        state: if id.is_multiple_of(2) {
            State::Paid { cents: -5 }
        } else {
            State::Open
        },
    }
}

macro_rules! coded {
    ($($name:ident $codec:literal)*) => {$(
        #[cache(ttl = "1h", backend = ["local", "redis"], codec = $codec, skip(source))]
        async fn $name(source: &Source, id: u64) -> Order {
            source.load();
            order_of(id)
        }
    )*};
}

coded! { by_bincode "bincode" by_postcard "postcard" by_messagepack "messagepack" by_json "json" }

#[cache(
    key = "prose:{_id}",
    ttl = "1h",
    backend = "redis",
    compress = "1KiB",
    skip(source, text)
)]
async fn compressed(source: &Source, text: &str, _id: u64) -> String {
    source.load();
    text.to_owned()
}

#[cache(
    key = "second:{_id}",
    ttl = "1h",
    backend = "redis",
    version = 2,
    skip(source)
)]
async fn second_version(source: &Source, _id: u64) -> u64 {
    source.load()
}

macro_rules! round_trip {
    ($test:ident $name:ident $cache:ident $codec:literal) => {
        #[tokio::test]
        async fn $test() {
            let server = RedisServer::start().await;
            let source = Source::default();
            let writer = caches(&server).await;
            for id in 0..4 {
                assert_eq!(writer.scope($name(&source, id)).await, order_of(id));
            }
            let reader = caches(&server).await;
            for id in 0..4 {
                assert_eq!(reader.scope($name(&source, id)).await, order_of(id));
            }
            assert_eq!(source.loads(), 4);

            // As an earlier deployment with another codec has left it.
            let name = reader.scope(async { $cache().name().to_owned() }).await;
            let mut raw = raw(&server).await;
            for codec in ["bincode", "postcard", "messagepack", "json"] {
                let codec = Codec::from_name(codec).unwrap();
                let key = format!("shop:{name}:5");
                let payload = encode(codec, &order_of(6)).unwrap();
                let bytes = seal(codec, &payload, None, fingerprint::<Order>(&name, 0), &key);
                redis::cmd("SET")
                    .arg(&key)
                    .arg(bytes)
                    .exec_async(&mut raw)
                    .await
                    .unwrap();
                // Not what the body returns, so it was read.
                assert_eq!(
                    caches(&server).await.scope($name(&source, 5)).await,
                    order_of(6)
                );
            }
            assert_eq!(source.loads(), 4);
        }
    };
}

round_trip!(values_travel_by_bincode by_bincode by_bincode_cache "bincode");
round_trip!(values_travel_by_postcard by_postcard by_postcard_cache "postcard");
round_trip!(values_travel_by_messagepack by_messagepack by_messagepack_cache "messagepack");
round_trip!(values_travel_by_json by_json by_json_cache "json");

#[tokio::test]
async fn json_can_be_read_by_others() {
    let server = RedisServer::start().await;
    caches(&server).await.scope(by_json(&Source::default(), 1)).await;
    let key: Vec<String> = server.cli(&["KEYS", "*"]).await;
    let bytes: Vec<u8> = server.cli(&["GET", &key[0]]).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\"customer\":\"Ada \u{1F980}\""), "{text}");
}

#[tokio::test]
async fn what_gets_smaller_by_it_is_compressed_from_its_size_on() {
    let server = RedisServer::start().await;
    let source = Source::default();
    let long = "all work and no play ".repeat(1_000);
    let short = "all work and no play ".repeat(40);
    let noise: String = (0..4_000).map(|_| fastrand::char('\u{20}'..'\u{D7FF}')).collect();
    for (id, text) in [(1, &long), (2, &short), (3, &noise)] {
        caches(&server).await.scope(compressed(&source, text, id)).await;
        let read = caches(&server).await.scope(compressed(&source, "", id)).await;
        assert_eq!(read, *text);
    }
    assert_eq!(source.loads(), 3);
    let size = async |id: u64| {
        server
            .cli::<usize>(&["STRLEN", &format!("shop:prose:{id}")])
            .await
    };
    assert!(size(1).await < long.len() / 20);
    assert!(size(2).await >= short.len());
    assert!(size(3).await < noise.len() + 100);
}

#[tokio::test]
async fn another_version_is_a_miss() {
    let server = RedisServer::start().await;
    let source = Source::of(20);
    let caches = caches(&server).await;
    let name = caches
        .scope(async { second_version_cache().name().to_owned() })
        .await;
    let codec = Codec::from_name("bincode").unwrap();
    let mut raw = raw(&server).await;
    for (version, expected) in [(1_u32, 20), (0, 20), (3, 20), (2, 10)] {
        let payload = encode(codec, &10_u64).unwrap();
        let bytes = seal(
            codec,
            &payload,
            None,
            fingerprint::<u64>(&name, version),
            "shop:second:1",
        );
        redis::cmd("SET")
            .arg("shop:second:1")
            .arg(bytes)
            .exec_async(&mut raw)
            .await
            .unwrap();
        assert_eq!(
            caches.scope(second_version(&source, 1)).await,
            expected,
            "version {version}"
        );
    }
    let stats = caches.scope(async { second_version_cache().stats() }).await;
    assert_eq!((tier(&stats, "redis").rejected, stats.loads), (3, 3));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Payment {
    Card { last4: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    id: u64,
    #[serde(flatten)]
    more: HashMap<String, String>,
}

#[cache(key = "payment:{id}", ttl = "1h", backend = "redis", skip(source))]
async fn payment(source: &Source, id: u32) -> Payment {
    source.load();
    Payment::Card { last4: id }
}

#[cache(key = "note:{id}", ttl = "1h", backend = "redis", skip(source))]
async fn note(source: &Source, id: u64) -> Note {
    source.load();
    let more = HashMap::new();
    Note { id, more }
}

/// Such a type is never kept, which nobody would find out who does not look at what Redis is asked.
#[tokio::test]
async fn a_type_that_the_codec_cannot_write_or_read_is_told_once() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let heard = Heard::new();
    let source = Source::default();
    let calls = async {
        for id in [1, 2, 3, 1, 2, 3] {
            assert_eq!(payment(&source, id).await, Payment::Card { last4: id });
            assert_eq!(note(&source, id.into()).await.id, u64::from(id));
        }
    };
    caches.scope(calls).await;
    assert_eq!(source.loads(), 12);
    for (function, what, why) in [
        ("payment", "cannot be read", "as with `untagged`, `tag`"),
        ("note", "cannot be turned into bytes", "as with `flatten`"),
    ] {
        let told = heard.with(&format!("{function}\""));
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("WARN") && told[0].contains(what), "{told:?}");
        assert_eq!(told[0].matches(why).count(), 1, "{told:?}");
        assert!(told[0].contains("`messagepack` and `json` do"), "{told:?}");
    }
    let stats = caches.stats();
    assert!(stats.to_string().contains("3 cannot be read"), "{stats}");
}

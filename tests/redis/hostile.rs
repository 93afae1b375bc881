//! Bytes in Redis that nobody should have written: each is a miss, is counted, and is replaced.

use std::sync::Arc;

use cached_runtime::fuzzing::codec::{fingerprint, forge_checksum, seal};
use cached_runtime::{Caches, Codec, cache};
use cached_tests::RedisServer;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};

use crate::setup::{Source, caches, raw, tier};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    number: u64,
    name: String,
    tags: Vec<String>,
    score: Option<i32>,
}

fn profile_of(number: u64) -> Profile {
    Profile {
        number,
        name: "Ada".to_owned(),
        tags: vec!["a".to_owned(), String::new()],
        score: Some(-1),
    }
}

macro_rules! coded {
    ($($name:ident $entry:ident $cache:ident $codec:literal)*) => {
        $(
            #[cache(ttl = "1h", backend = "redis", codec = $codec, skip(source))]
            async fn $name(source: &Source, _id: u64) -> Profile {
                profile_of(source.load())
            }
        )*

        async fn call(codec: &str, source: &Source, id: u64) -> Profile {
            match codec {
                $($codec => $name(source, id).await,)*
                _ => unreachable!(),
            }
        }

        fn rejected(codec: &str) -> u64 {
            let stats = match codec {
                $($codec => $cache().stats(),)*
                _ => unreachable!(),
            };
            tier(&stats, "redis").rejected
        }

        fn key_of(codec: &str, id: u64) -> String {
            let key = match codec {
                $($codec => $entry(id).key().to_string(),)*
                _ => unreachable!(),
            };
            format!("shop:{key}")
        }
    };
}

coded! {
    by_bincode by_bincode_entry by_bincode_cache "bincode"
    by_postcard by_postcard_entry by_postcard_cache "postcard"
    by_messagepack by_messagepack_entry by_messagepack_cache "messagepack"
    by_json by_json_entry by_json_cache "json"
}

const CODECS: [&str; 4] = ["bincode", "postcard", "messagepack", "json"];

/// A twin in everything but its name.
#[cache(key = "other:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn other(source: &Source, _id: u64) -> Profile {
    profile_of(source.load())
}

#[cache(key = "sure:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn sure(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "unsure:{_id}",
    ttl = "1h",
    none_ttl = "1h",
    backend = "redis",
    skip(source)
)]
async fn unsure(source: &Source, _id: u64) -> Option<u64> {
    Some(source.load()).filter(|value| *value != 0)
}

/// One function with an entry, and the hand that changes it.
struct Victim {
    codec: &'static str,
    caches: Caches,
    raw: MultiplexedConnection,
    source: Source,
    key: String,
    good: Vec<u8>,
}

impl Victim {
    async fn new(server: &RedisServer, codec: &'static str) -> Self {
        let caches = caches(server).await;
        let source = Source::of(1);
        caches.scope(call(codec, &source, 1)).await;
        let key = caches.scope(async { key_of(codec, 1) }).await;
        let mut raw = raw(server).await;
        let good: Vec<u8> = redis::cmd("GET").arg(&key).query_async(&mut raw).await.unwrap();
        assert!(good.len() > 50);
        Self {
            codec,
            caches,
            raw,
            source,
            key,
            good,
        }
    }

    async fn call(&self) -> Profile {
        self.caches.scope(call(self.codec, &self.source, 1)).await
    }

    async fn put(&mut self, bytes: &[u8]) {
        redis::cmd("SET")
            .arg(&self.key)
            .arg(bytes)
            .exec_async(&mut self.raw)
            .await
            .unwrap();
    }

    async fn rejected(&self) -> u64 {
        self.caches.scope(async { rejected(self.codec) }).await
    }

    /// What is under the key now must be a miss, counted, and replaced.
    async fn expect_replaced(&mut self, what: &str) {
        let (loads, rejected) = (self.source.loads(), self.rejected().await);
        let fresh = loads + 1_000;
        self.source.set(fresh);
        assert_eq!(self.call().await, profile_of(fresh), "{}: {what}", self.codec);
        assert_eq!(self.rejected().await, rejected + 1, "{}: {what}", self.codec);
        self.source.set(0);
        assert_eq!(
            self.call().await,
            profile_of(fresh),
            "{}: {what} was not replaced",
            self.codec
        );
        assert_eq!(self.source.loads(), loads + 1, "{}: {what}", self.codec);
    }

    async fn expect_bytes_replaced(&mut self, bytes: &[u8], what: &str) {
        self.put(bytes).await;
        self.expect_replaced(what).await;
    }
}

#[tokio::test]
async fn what_is_cut_short_at_any_byte_is_replaced() {
    let server = RedisServer::unix().await;
    for codec in CODECS {
        let mut victim = Victim::new(&server, codec).await;
        let good = victim.good.clone();
        for length in 0..good.len() {
            victim
                .expect_bytes_replaced(&good[..length], &format!("cut to {length}"))
                .await;
        }
        let longer = [&good[..], b"x"].concat();
        victim.expect_bytes_replaced(&longer, "one byte more").await;
    }
}

#[tokio::test]
async fn any_flipped_bit_is_noticed() {
    let server = RedisServer::unix().await;
    for codec in CODECS {
        let mut victim = Victim::new(&server, codec).await;
        let good = victim.good.clone();
        for at in 0..good.len() {
            let bits = if codec == "bincode" {
                0..8
            } else {
                at as u32 % 8..at as u32 % 8 + 1
            };
            for bit in bits {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                victim
                    .expect_bytes_replaced(&bytes, &format!("bit {bit} of byte {at}"))
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn random_bytes_are_replaced() {
    let server = RedisServer::unix().await;
    let seed = std::env::var("CACHED_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CACHED_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for codec in CODECS {
        let mut victim = Victim::new(&server, codec).await;
        let start = victim.good[..4].to_vec();
        for round in 0..100 {
            let length = random.usize(0..300);
            let mut bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
            if random.bool() {
                // Far enough to be taken for an entry at first.
                bytes.splice(0..0, start.iter().copied());
            }
            victim
                .expect_bytes_replaced(&bytes, &format!("random {round}"))
                .await;
        }
    }
}

/// Whoever can write to Redis can compute checksums, and may put there any value of the type. What he may not do is to
/// break the program.
#[tokio::test]
async fn forged_checksums_end_in_a_value_and_no_error() {
    let server = RedisServer::unix().await;
    for codec in CODECS {
        let mut victim = Victim::new(&server, codec).await;
        let good = victim.good.clone();
        for at in 0..good.len() - 8 {
            for change in [1, 0x80, 0xFF] {
                let mut bytes = good.clone();
                bytes[at] ^= change;
                forge_checksum(&mut bytes);
                victim.put(&bytes).await;
                victim.call().await;
            }
        }
        victim.put(&good).await;
        assert_eq!(victim.call().await, profile_of(1), "{codec}");
    }
}

#[tokio::test]
async fn lengths_that_are_merely_claimed_are_not_believed() {
    let server = RedisServer::unix().await;
    for codec in CODECS {
        let mut victim = Victim::new(&server, codec).await;
        // One limit of life and no tag: the number of tags stands at 38, the length at 42.
        for (at, width, flags) in [(38, 4, 0), (42, 8, 0), (42, 8, 2)] {
            let mut bytes = victim.good.clone();
            bytes[5] |= flags;
            bytes[at..at + width].fill(0xFF);
            bytes[at + width - 1] = 0x0F;
            forge_checksum(&mut bytes);
            victim
                .expect_bytes_replaced(&bytes, &format!("a claim at {at}, flags {flags}"))
                .await;
        }
        let name = victim
            .key
            .strip_prefix("shop:")
            .and_then(|key| key.strip_suffix(":1"))
            .unwrap()
            .to_owned();
        let codec = Codec::from_name(victim.codec).unwrap();
        let key = victim.key.clone();
        // A number, and then a text or a list of as many as there are particles.
        for payload in [
            &b"\x01\xFD\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"[..],
            b"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
            b"\x94\x01\xDB\xFF\xFF\xFF\xFF",
            b"\x94\x01\xA1x\xDD\xFF\xFF\xFF\xFF",
            b"{\"number\":1e999",
            b"",
        ] {
            let bytes = seal(codec, payload, None, fingerprint::<Profile>(&name, 0), &key);
            victim
                .expect_bytes_replaced(&bytes, "a claim in the payload")
                .await;
        }
    }
}

#[tokio::test]
async fn an_entry_moved_to_another_key_is_not_its_value() {
    let server = RedisServer::start().await;
    let mut victim = Victim::new(&server, "bincode").await;
    let Victim { caches, source, .. } = &victim;
    caches.scope(call("bincode", source, 2)).await;
    caches.scope(other(source, 1)).await;
    let neighbour = caches.scope(async { key_of("bincode", 2) }).await;
    let key = victim.key.clone();
    for (from, what) in [
        (neighbour, "another key of the function"),
        ("shop:other:1".to_owned(), "another function"),
    ] {
        assert_eq!(server.cli::<u64>(&["COPY", &from, &key, "REPLACE"]).await, 1);
        victim.expect_replaced(what).await;
    }

    // The same function and key in another namespace.
    let elsewhere = Caches::builder()
        .namespace("elsewhere")
        .store("redis", crate::setup::connect(&server).await)
        .store("second", cached_runtime::stores::Null)
        .build()
        .unwrap();
    elsewhere.scope(call("bincode", &victim.source, 1)).await;
    let foreign = key.replacen("shop:", "elsewhere:", 1);
    assert_eq!(server.cli::<u64>(&["COPY", &foreign, &key, "REPLACE"]).await, 1);
    victim.expect_replaced("another namespace").await;
}

#[tokio::test]
async fn values_of_other_redis_types_are_replaced() {
    let server = RedisServer::start().await;
    let mut victim = Victim::new(&server, "bincode").await;
    let key = victim.key.clone();
    for words in [
        &["RPUSH", &*key, "a", "b"][..],
        &["HSET", &*key, "a", "b"],
        &["SADD", &*key, "a"],
        &["ZADD", &*key, "1", "a"],
        &["XADD", &*key, "*", "a", "b"],
        &["INCR", &*key],
        &["SETBIT", &*key, "7", "1"],
    ] {
        let _: i64 = server.cli(&["DEL", &key]).await;
        let _: redis::Value = server.cli(words).await;
        victim.expect_replaced(words[0]).await;
        let left: i64 = server.cli(&["PTTL", &key]).await;
        assert!((3_500_000..=3_600_000).contains(&left), "{}: {left}", words[0]);
    }

    // And removed, looked at and put by hand.
    let _: i64 = server.cli(&["DEL", &key]).await;
    let _: i64 = server.cli(&["RPUSH", &key, "a"]).await;
    let entry = victim.caches.scope(async { by_bincode_entry(1) }).await;
    assert_eq!(entry.get().await.unwrap(), None);
    entry.insert(profile_of(5)).await.unwrap();
    assert_eq!(entry.get().await.unwrap(), Some(profile_of(5)));
    let _: i64 = server.cli(&["DEL", &key]).await;
    let _: i64 = server.cli(&["RPUSH", &key, "a"]).await;
    entry.invalidate().await.unwrap();
    assert_eq!(server.cli::<u64>(&["EXISTS", &key]).await, 0);
}

#[tokio::test]
async fn a_lease_of_another_type_is_replaced() {
    let server = RedisServer::start().await;
    let victim = Victim::new(&server, "bincode").await;
    let lease = format!("{{{}}}:lease", victim.key);
    let _: i64 = server.cli(&["DEL", &victim.key]).await;
    let _: i64 = server.cli(&["RPUSH", &lease, "a"]).await;
    assert_eq!(victim.call().await, profile_of(1));
    assert_eq!(victim.source.loads(), 2);
    assert_eq!(victim.call().await, profile_of(1));
    assert_eq!(victim.source.loads(), 2);
}

#[tokio::test]
async fn a_none_where_there_must_be_a_value_is_replaced() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let source = Source::of(0);
    assert_eq!(caches.scope(unsure(&source, 1)).await, None);
    let mut bytes: Vec<u8> = server.cli(&["GET", "shop:unsure:1"]).await;
    source.set(5);
    caches.scope(sure(&source, 1)).await;
    let good: Vec<u8> = server.cli(&["GET", "shop:sure:1"]).await;
    // Of the right function and key, and saying that there is none.
    bytes[6..22].copy_from_slice(&good[6..22]);
    forge_checksum(&mut bytes);
    let mut raw = raw(&server).await;
    redis::cmd("SET")
        .arg("shop:sure:1")
        .arg(bytes)
        .exec_async(&mut raw)
        .await
        .unwrap();
    source.set(6);
    assert_eq!(caches.scope(sure(&source, 1)).await, 6);
    let stats = caches.scope(async { sure_cache().stats() }).await;
    assert_eq!(tier(&stats, "redis").rejected, 1);
    assert_eq!(server.cli::<usize>(&["STRLEN", "shop:sure:1"]).await, good.len());
}

#[tokio::test]
async fn a_hundred_callers_of_rubbish_share_one_load() {
    let server = RedisServer::start().await;
    let mut victim = Victim::new(&server, "json").await;
    victim.put(b"rubbish").await;
    let source = Arc::new(Source::of(2));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (caches, source) = (victim.caches.clone(), Arc::clone(&source));
            tokio::spawn(async move { caches.scope(call("json", &source, 1)).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), profile_of(2));
    }
    assert_eq!(source.loads(), 1);
    assert_eq!(victim.rejected().await, 1);
}

//! A type that has changed since its entries were written: they are misses, never misreadings, under every codec.

use std::fmt::Debug;

use cached_runtime::fuzzing::codec::{encode, fingerprint, seal};
use cached_runtime::{CacheStats, Codec, cache};
use cached_tests::RedisServer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::setup::{Source, caches, raw, tier};

/// The types as they were.
mod before {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Swapped {
        pub(super) width: u32,
        pub(super) height: u32,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Added {
        pub(super) id: u64,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Removed {
        pub(super) id: u64,
        pub(super) note: Option<String>,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Renamed {
        pub(super) open: bool,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Retyped {
        pub(super) number: u32,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Reordered {
        Open,
        Closed,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Inserted {
        Open,
        Closed(u8),
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Nested {
        pub(super) parts: Vec<Option<Part>>,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Part {
        pub(super) from: u8,
        pub(super) to: u8,
    }
}

/// The types as they are.
mod after {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Swapped {
        pub(super) height: u32,
        pub(super) width: u32,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Added {
        pub(super) id: u64,
        pub(super) note: Option<String>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Removed {
        pub(super) id: u64,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Renamed {
        pub(super) closed: bool,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Retyped {
        pub(super) number: i32,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) enum Reordered {
        Closed,
        Open,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) enum Inserted {
        Open,
        Paused(u8),
        Closed(u8),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Nested {
        pub(super) parts: Vec<Option<Part>>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Part {
        pub(super) to: u8,
        pub(super) from: u8,
    }
}

/// For each change: what was written before, and what a function returns now; one function for each codec.
macro_rules! changes {
    ($($change:ident: $old:expr => $now:ty: $new:expr;)*) => {$(
        mod $change {
            use super::*;

            #[cache(ttl = "1h", backend = "redis", codec = "bincode", skip(source))]
            async fn bincode(source: &Source) -> $now {
                source.load();
                $new
            }

            #[cache(ttl = "1h", backend = "redis", codec = "postcard", skip(source))]
            async fn postcard(source: &Source) -> $now {
                source.load();
                $new
            }

            #[cache(ttl = "1h", backend = "redis", codec = "messagepack", skip(source))]
            async fn messagepack(source: &Source) -> $now {
                source.load();
                $new
            }

            #[cache(ttl = "1h", backend = "redis", codec = "json", skip(source))]
            async fn json(source: &Source) -> $now {
                source.load();
                $new
            }

            #[tokio::test]
            async fn is_a_miss() {
                let server = RedisServer::start().await;
                caches(&server)
                    .await
                    .scope(async {
                        let (old, new) = ($old, $new);
                        let s = Source::default();
                        expect_miss(&server, "bincode", &s, &old, &new, async || bincode(&s).await, || bincode_cache().stats()).await;
                        expect_miss(&server, "postcard", &s, &old, &new, async || postcard(&s).await, || postcard_cache().stats()).await;
                        expect_miss(&server, "messagepack", &s, &old, &new, async || messagepack(&s).await, || messagepack_cache().stats()).await;
                        expect_miss(&server, "json", &s, &old, &new, async || json(&s).await, || json_cache().stats()).await;
                    })
                    .await;
            }
        }
    )*};
}

changes! {
    two_fields_swapped: before::Swapped { width: 1, height: 2 }
        => after::Swapped: after::Swapped { height: 4, width: 3 };
    a_field_added: before::Added { id: 1 }
        => after::Added: after::Added { id: 2, note: None };
    a_field_removed: before::Removed { id: 1, note: None }
        => after::Removed: after::Removed { id: 2 };
    a_field_renamed: before::Renamed { open: true }
        => after::Renamed: after::Renamed { closed: false };
    a_field_retyped: before::Retyped { number: 1 }
        => after::Retyped: after::Retyped { number: 2 };
    variants_reordered: before::Reordered::Open
        => after::Reordered: after::Reordered::Closed;
    a_variant_inserted: before::Inserted::Closed(1)
        => after::Inserted: after::Inserted::Closed(2);
    fields_swapped_deep_inside: before::Nested { parts: vec![Some(before::Part { from: 1, to: 2 })] }
        => after::Nested: after::Nested { parts: vec![Some(after::Part { to: 3, from: 4 })] };
    a_tuple_longer: (1_u8, 2_u8)
        => (u8, u8, u8): (3_u8, 4_u8, 5_u8);
    a_list_of_others: vec![1_u16]
        => Vec<u8>: vec![2_u8];
}

/// What the earlier program has left under the key is a miss and replaced; what this one would have written is not.
async fn expect_miss<B, A>(
    server: &RedisServer,
    codec_name: &str,
    source: &Source,
    old: &B,
    new: &A,
    call: impl AsyncFn() -> A,
    stats: impl Fn() -> CacheStats,
) where
    B: Serialize + DeserializeOwned,
    A: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let codec = Codec::from_name(codec_name).unwrap();
    let name = stats().name;
    let key = format!("shop:{name}");
    let mut raw = raw(server).await;
    let loads = source.loads();

    let bytes = seal(
        codec,
        &encode(codec, old).unwrap(),
        None,
        fingerprint::<B>(&name, 0),
        &key,
    );
    redis::cmd("SET")
        .arg(&key)
        .arg(bytes)
        .exec_async(&mut raw)
        .await
        .unwrap();
    assert_eq!(call().await, *new, "{codec_name}");
    assert_eq!(source.loads(), loads + 1, "{codec_name}");
    assert_eq!(tier(&stats(), "redis").rejected, 1, "{codec_name}");

    let bytes = seal(
        codec,
        &encode(codec, new).unwrap(),
        None,
        fingerprint::<A>(&name, 0),
        &key,
    );
    redis::cmd("SET")
        .arg(&key)
        .arg(bytes)
        .exec_async(&mut raw)
        .await
        .unwrap();
    assert_eq!(call().await, *new, "{codec_name}");
    assert_eq!(
        source.loads(),
        loads + 1,
        "{codec_name}: what this test writes is not what the function reads"
    );
}

/// Two builds of one program, which have the same functions: what each says of its calls.
#[tokio::test]
async fn two_builds_of_a_program_take_nothing_of_each_other_that_has_changed() {
    const CHANGED: [&str; 9] = [
        "swapped-bincode",
        "swapped-postcard",
        "swapped-messagepack",
        "swapped-json",
        "reordered-bincode",
        "added-bincode",
        "added-json",
        "retyped-postcard",
        "versioned",
    ];
    const KEPT: [&str; 3] = ["unchanged", "recoded", "type-renamed"];
    let server = RedisServer::start().await;
    let run = async |build: &str| {
        let output = Command::new(build)
            .env("REDIS_URL", server.url())
            .env("CACHE_NAMESPACE", "shop")
            .env_remove("CACHE_BACKEND")
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (old, new) = (
        env!("CARGO_BIN_EXE_schema-before"),
        env!("CARGO_BIN_EXE_schema-after"),
    );
    let lines = |said: &str, names: &[&str], what: &str| {
        for name in names {
            let line = format!("{name}: {what}");
            assert!(
                said.lines().any(|said| said == line),
                "no line {line:?} in\n{said}"
            );
        }
    };
    let said = run(old).await;
    lines(&said, &CHANGED, "loaded");
    lines(&said, &KEPT, "loaded");
    let said = run(old).await;
    lines(&said, &CHANGED, "kept");
    lines(&said, &KEPT, "kept");
    for build in [new, old] {
        let said = run(build).await;
        lines(&said, &CHANGED, "loaded");
        lines(&said, &KEPT, "kept");
        lines(&run(build).await, &CHANGED, "kept");
    }
}

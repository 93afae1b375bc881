//! Names that could be in the way: raw ones, those of the expansion's own, those of the standard library.

#![expect(non_camel_case_types, reason = "the test is about such names")]

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "f8:{r#type}:{r#match}", backend = "local")]
async fn r#loop(r#type: u64, r#match: &str) -> u64 {
    let _ = r#match;
    r#type
}

#[cache(skip(r#move), backend = "local")]
async fn r#where(r#move: u64, r#in: u64) -> u64 {
    r#move + r#in
}

#[invalidate(r#loop(r#type, r#match), r#where(r#type), key = "f8:{r#type}:{r#match}")]
async fn r#write(r#type: u64, r#match: &str) {
    let _ = (r#type, r#match);
}

#[tokio::test]
async fn raw_identifiers() {
    world(async |_| {
        assert_eq!(r#loop(1, "a").await, 1);
        assert_eq!(r#where(1, 2).await, 3);
        let entry = loop_entry(1, "a");
        assert_eq!(entry.key().to_string(), "f8:1:a");
        assert_eq!(entry.get().await.unwrap(), Some(1));
        assert_eq!(where_cache().name(), "surface::functions::names::where");
        assert_eq!(where_entry(2).get().await.unwrap(), Some(3));
        r#write(1, "a").await;
        assert_eq!(entry.get().await.unwrap(), None);
        assert!(where_entry(2).get().await.unwrap().is_some());
        r#write(2, "a").await;
        assert!(where_entry(2).get().await.unwrap().is_none());
    })
    .await;
}

#[cache(
    key = "f8:{key}:{caches}:{p}:{__key}:{definition}:{__definition}:{value}:{buf}:{shape}",
    backend = "local"
)]
#[expect(clippy::too_many_arguments, reason = "so many names could be in the way")]
async fn internals(
    key: u64,
    caches: u64,
    p: u64,
    __key: u64,
    definition: u64,
    __definition: u64,
    value: u64,
    buf: u64,
    shape: u64,
) -> u64 {
    key + caches + p + __key + definition + __definition + value + buf + shape
}

#[cache(backend = "local")]
#[expect(clippy::too_many_arguments, reason = "so many names could be in the way")]
async fn more_internals(
    __shape: u64,
    __share: u64,
    __entered: u64,
    __done: u64,
    __wait: u64,
    __lead: u64,
    __hooks: u64,
    __result: u64,
    __x: u64,
) -> u64 {
    __shape + __share + __entered + __done + __wait + __lead + __hooks + __result + __x
}

#[cache(companions = false, backend = "local")]
async fn internals_alone(__shape: u64, __result: u64, __definition: u64, key: u64) -> Option<u64> {
    Some(__shape + __result + __definition + key)
}

#[invalidate(
    more_internals(__writer, __shape, __output, __kept_0_0, entry, cache, shape, writer, key),
    key = "f8:{__writer}"
)]
#[expect(clippy::too_many_arguments, reason = "so many names could be in the way")]
async fn write_internals(
    __writer: u64,
    __shape: u64,
    __output: u64,
    __kept_0_0: u64,
    entry: u64,
    cache: u64,
    shape: u64,
    writer: u64,
    key: u64,
) -> u64 {
    __writer + __shape + __output + __kept_0_0 + entry + cache + shape + writer + key
}

#[tokio::test]
async fn names_that_the_expansion_might_use() {
    world(async |_| {
        for _ in 0..2 {
            assert_eq!(internals(1, 2, 3, 4, 5, 6, 7, 8, 9).await, 45);
            assert_eq!(more_internals(1, 2, 3, 4, 5, 6, 7, 8, 9).await, 45);
            assert_eq!(internals_alone(1, 2, 3, 4).await, Some(10));
        }
        assert_eq!(
            internals_entry(1, 2, 3, 4, 5, 6, 7, 8, 9).key().to_string(),
            "f8:1:2:3:4:5:6:7:8:9"
        );
        let entry = more_internals_entry(1, 2, 3, 4, 5, 6, 7, 8, 9);
        assert_eq!(entry.get().await.unwrap(), Some(45));
        assert_eq!(write_internals(1, 2, 3, 4, 5, 6, 7, 8, 9).await, 45);
        assert_eq!(entry.get().await.unwrap(), None);
    })
    .await;
}

/// Where everything that an expansion might name means something else.
mod decoys {
    #![allow(dead_code, unused_macros, reason = "they are decoys")]

    use ::cached_runtime::{cache as keep, invalidate as forget};

    mod core {}
    mod std {}
    mod alloc {}
    mod cached_runtime {}
    struct String;
    struct Box;
    enum Option {
        Some,
        None,
    }
    enum Result {
        Ok,
        Err,
    }
    trait Send {}
    trait Sync {}
    trait Clone {}
    trait Future {}
    trait Fn {}
    trait FnOnce {}
    trait Into {}
    struct usize;
    struct bool;
    type u8 = ();
    fn drop() {}
    macro_rules! module_path {
        () => {
            compile_error!("this is the decoy")
        };
    }
    macro_rules! line {
        () => {
            compile_error!("this is the decoy")
        };
    }

    #[keep(
        key = "f8:decoy:{id}",
        ttl = "1h",
        none_ttl = "1m",
        jitter = "1%",
        tier("local", ttl = "5s", capacity = 4),
        cache_if = |value| *value > 0,
        compress = "1KiB",
        codec = "json",
        backend = ["local", "far"]
    )]
    pub(super) async fn decoyed(id: u64) -> ::std::option::Option<u64> {
        ::std::option::Option::Some(id)
    }

    #[keep(key = "f8:decoy-bytes:{id}", max_bytes = "1KiB", weight = |_, _| 1, companions = false, backend = "local")]
    pub(super) async fn alone(id: u64) -> ::std::result::Result<u64, ()> {
        ::std::result::Result::Ok(id)
    }

    #[forget(decoyed(id), decoyed(..), decoyed(output), key = "f8:{id}", pattern = "f8:{output}:*")]
    pub(super) async fn write(id: u64) -> ::std::option::Option<u64> {
        ::std::option::Option::Some(id)
    }
}

#[tokio::test]
async fn decoys_are_not_taken() {
    world(async |_| {
        assert_eq!(decoys::decoyed(1).await, Some(1));
        assert_eq!(decoys::alone(1).await, Ok(1));
        assert_eq!(decoys::write(1).await, Some(1));
        assert_eq!(decoys::decoyed_entry(1).get().await.unwrap(), None);
    })
    .await;
}

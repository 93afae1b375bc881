//! What may stand around an annotated function.

use crate::caches;
use cached_runtime::{cache, invalidate};

/// Names that mean something else here.
mod decoys {
    #![allow(
        dead_code,
        unused_imports,
        unused_macros,
        non_camel_case_types,
        clippy::upper_case_acronyms
    )]

    use ::cached_runtime::{cache, invalidate, update};

    mod core {}
    mod std {}
    mod alloc {}
    mod cached_runtime {}
    struct Ok;
    struct Err;
    struct Some;
    struct None;
    struct Box;
    struct Vec;
    struct Option;
    struct Send;
    trait Future {}
    macro_rules! line {
        () => {
            compile_error!("not this one")
        };
    }
    use line;

    type Result = ::core::result::Result<u64, u64>;

    #[cache(ttl = "1h", jitter = "1%", cache_if = |_| true, tier("local", ttl = "1s"))]
    pub(super) async fn decoyed(id: u64) -> Result {
        if id == 0 {
            return Result::Err(id);
        }
        Result::Ok(id)
    }

    #[cache(companions = false)]
    pub(super) async fn alone(id: u64) -> Result {
        if id == 0 {
            return Result::Err(id);
        }
        Result::Ok(id)
    }

    #[invalidate(decoyed(id), decoyed(output), key = "a:{output}", pattern = "b:{id}*")]
    pub(super) async fn write(id: u64) -> Result {
        Result::Ok(id)
    }

    #[update(decoyed(id), decoyed(output) = *output, decoyed(id) = id)]
    pub(super) async fn update(id: u64) -> Result {
        Result::Ok(id)
    }

    #[cache(strategy = "write_behind")]
    pub(super) async fn later(id: u64) -> Result {
        Result::Ok(id)
    }

    #[update(later(id) = id, strategy = "write_behind")]
    pub(super) async fn write_later(id: u64, name: &str) {
        let _ = name;
    }
}

macro_rules! cached {
    ($vis:vis $name:ident($argument:ident: $ty:ty), $key:literal, $ttl:literal, $value:expr) => {
        /// Made by a macro.
        #[cache(key = $key, ttl = $ttl, skip(other))]
        $vis async fn $name($argument: $ty, other: u64) -> Option<$ty> {
            let _ = other;
            Some($value)
        }
    };
}

cached!(pub twice(id: u64), "twice:{id}", "1h", id * 2);

macro_rules! cached_inside {
    ($name:ident) => {
        /// Made by a macro, arguments and all.
        #[cache(key = "inside:{id}")]
        async fn $name(id: u64) -> Option<u64> {
            Some(id)
        }

        #[invalidate($name(id), $name(output))]
        async fn write_inside(id: u64) -> u64 {
            id
        }
    };
}

cached_inside!(inside);

/// Lints that the user expects are found in the body, and nowhere else.
#[cache]
#[expect(clippy::unused_async, reason = "it is in the body that nothing is awaited")]
#[cfg(not(doctest))]
#[must_use]
#[inline]
async fn expecting(id: u64) -> u64 {
    id
}

/// A deprecated function is reported where it is called, not where it is expanded.
#[deprecated]
#[cache]
async fn deprecated(id: u64) -> u64 {
    id
}

/// Inside of a span.
#[cache]
#[tracing::instrument(skip(secret))]
pub async fn outside(id: u64, secret: &str) -> Result<u64, String> {
    if secret.is_empty() {
        Err("empty".to_owned())
    } else {
        Ok(id)
    }
}

/// Around a span.
#[tracing::instrument(skip(secret))]
#[cache(skip(secret), key = "around:{id}")]
pub async fn around(id: u64, secret: &str) -> Result<u64, String> {
    if secret.is_empty() {
        Err("empty".to_owned())
    } else {
        Ok(id)
    }
}

/// A raw name and a raw argument.
#[cache(key = "raw:{r#type}")]
pub async fn r#match(r#type: u64) -> u64 {
    r#type
}

#[tokio::test]
async fn they_all_work() {
    #[cache(key = "local:{id}")]
    async fn in_a_function(id: u64) -> u64 {
        id
    }

    caches()
        .scope(async {
            assert_eq!(
                (
                    decoys::decoyed(1).await,
                    decoys::alone(1).await,
                    decoys::write(1).await
                ),
                (Ok(1), Ok(1), Ok(1))
            );
            assert_eq!(decoys::update(1).await, Ok(1));
            decoys::write_later(2, "a").await;
            assert_eq!(decoys::later(2).await, Ok(2));
            assert_eq!(
                (twice(1, 2).await, inside(3).await, write_inside(3).await),
                (Some(2), Some(3), 3)
            );
            assert_eq!(
                (expecting(1).await, outside(1, "a").await, around(1, "a").await),
                (1, Ok(1), Ok(1))
            );
            #[expect(deprecated, reason = "that is what it is")]
            let deprecated = deprecated(1).await;
            assert_eq!((deprecated, r#match(1).await, in_a_function(1).await), (1, 1, 1));
            assert_eq!(match_entry(1).get().await.unwrap(), Some(1));
        })
        .await;
}

//! The table of strategies and situations, on three chains: every strategy in every situation with memory alone, with
//! Redis below it, and with Redis and MariaDB below it. Each cell is a test: `cache_aside::redis::read_miss`.
//!
//! A row is a strategy and a chain, with one cached function and one writer, made by `row!` below. A column is a situation,
//! one function in `reads`, `writes`, `failures` or `ends` that every row is put through; where the strategies differ it
//! asks what is [`Expected`] of this one. `place` has what a cell stands on: processes, and looks into each tier; `servers`
//! what these stand on; `source` what the functions read and write.
//!
//! What the caller gets, and what the tiers then have of the entry:
//!
//! | | `cache_aside` | `write_through` | `write_behind` | `refresh_ahead` |
//! |---|---|---|---|---|
//! | `read_miss` | one load for all who wait; every tier has it | the same | the same | the same |
//! | `read_hit` | what a tier has, however old | the same | the same | the same; late in its life it is loaded anew |
//! | `write` | written; no tier has it | written; every tier has the new value | every tier and every reader has it, then the source | as `cache_aside` |
//! | `write_failure` | the error; the old value stays | the same | accepted; then told, and no tier has it | as `cache_aside` |
//! | `source_failure` | the error, shared by all who wait and kept by nobody; a hit needs no source | the same | the same | the same; a load in the background that fails leaves the entry and is tried again |
//! | `store_failure` | right answers all along; the store that was away has nothing old once it is back | the same | the same | the same |
//! | `shutdown` | nothing pending | the same | what is queued is written first | what is being loaded is stored first |

mod ends;
mod failures;
mod place;
mod reads;
mod servers;
mod source;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{CacheStats, Error};

use self::source::Rows;

/// What the strategies do differently.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    /// A writer leaves its value in the tiers, and no removed entry.
    puts: bool,
    /// The source is written once the writer has returned.
    later: bool,
    /// A hit on what has lived four fifths of its ttl loads it anew.
    reloads: bool,
}

const CACHE_ASIDE: Expected = Expected {
    puts: false,
    later: false,
    reloads: false,
};
const WRITE_THROUGH: Expected = Expected {
    puts: true,
    ..CACHE_ASIDE
};
const WRITE_BEHIND: Expected = Expected {
    puts: true,
    later: true,
    ..CACHE_ASIDE
};
const REFRESH_AHEAD: Expected = Expected {
    reloads: true,
    ..CACHE_ASIDE
};

/// How long an entry lives in memory. It lives longer below, by which a look tells where it is.
pub(crate) const LIFE: Duration = Duration::from_secs(100);

/// A row of the table: a function under one strategy and on one chain, in the `Caches` in force.
pub(crate) trait Row {
    const EXPECTED: Expected;
    /// The tiers of its chain, memory first.
    const CHAIN: &'static [&'static str];

    async fn read(rows: &Arc<Rows>, id: u64) -> Result<u64, String>;
    async fn write(rows: &Arc<Rows>, id: u64, value: u64) -> Result<(), String>;
    /// What the highest tier has that has it, without a load.
    async fn look(id: u64) -> Result<Option<u64>, Error>;
    /// For how long that tier has it.
    async fn left(id: u64) -> Option<Duration>;
    /// The key in the lists of those who are told of it.
    fn key(id: u64) -> String;
    fn stats() -> CacheStats;
}

/// One test for each situation.
macro_rules! cells {
    ($($column:ident::$situation:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $situation() {
            crate::table::$column::$situation::<Function>().await;
        }
    )+};
}

/// A strategy on a chain: a function, its writer, and the cells.
macro_rules! row {
    ($chain:ident, [$memory:literal $(, $store:literal)*], $strategy:literal, $expected:ident, [$($writer:tt)*]) => {
        mod $chain {
            use std::sync::Arc;
            use std::time::Duration;

            use cached_runtime::{CacheStats, Error, cache, update};

            use crate::table::{Expected, Row, Rows};

            #[cache(
                ttl = "100s",
                strategy = $strategy,
                backend = [$memory $(, $store)*],
                $(tier($store, ttl = "300s"),)*
                skip(rows)
            )]
            async fn row(rows: &Arc<Rows>, id: u64) -> Result<u64, String> {
                rows.read(id).await
            }

            #[update(row(id) = value $($writer)*)]
            async fn save(rows: &Arc<Rows>, id: u64, value: u64) -> Result<(), String> {
                rows.write(id, value).await
            }

            struct Function;

            impl Row for Function {
                const EXPECTED: Expected = crate::table::$expected;
                const CHAIN: &'static [&'static str] = &[$memory $(, $store)*];

                async fn read(rows: &Arc<Rows>, id: u64) -> Result<u64, String> {
                    row(rows, id).await
                }

                async fn write(rows: &Arc<Rows>, id: u64, value: u64) -> Result<(), String> {
                    save(rows, id, value).await
                }

                async fn look(id: u64) -> Result<Option<u64>, Error> {
                    row_entry(id).get().await
                }

                async fn left(id: u64) -> Option<Duration> {
                    row_entry(id).remaining_ttl().await.unwrap()
                }

                fn key(id: u64) -> String {
                    row_entry(id).key().to_string()
                }

                fn stats() -> CacheStats {
                    row_cache().stats()
                }
            }

            cells!(
                reads::read_miss,
                reads::read_hit,
                writes::write,
                writes::write_failure,
                failures::source_failure,
                failures::store_failure,
                ends::shutdown,
            );
        }
    };
}

/// A strategy on each of the chains.
macro_rules! strategies {
    ($($name:ident: $strategy:literal, $expected:ident, $writer:tt;)+) => {$(
        mod $name {
            row!(memory, ["local"], $strategy, $expected, $writer);
            row!(redis, ["local", "redis"], $strategy, $expected, $writer);
            row!(mysql, ["local", "redis", "mysql"], $strategy, $expected, $writer);
        }
    )+};
}

strategies! {
    cache_aside: "cache_aside", CACHE_ASIDE, [];
    write_through: "write_through", WRITE_THROUGH, [];
    write_behind: "write_behind", WRITE_BEHIND, [, strategy = "write_behind", retries = 0];
    refresh_ahead: "refresh_ahead", REFRESH_AHEAD, [];
}

//! The functions under the peers' attributes.

use std::sync::Arc;

use cached::macros::{cached, concurrent_cached};

use super::contender::{List, awaited, called};
use crate::keys::Pair;
use crate::values::{User, load, load_pair};

pub const CACHED: &str = "cached async";
pub const CONCURRENT: &str = "cached concurrent async";
pub const CONCURRENT_SYNC: &str = "cached concurrent sync";

/// Bounded and with a time to live, as ours are. Keys of one part are the default ones; those of two parts borrow, so
/// they are converted as its documentation shows.
macro_rules! by_number {
    ($module:ident, $add:ident, $value:ty) => {
        mod $module {
            use super::*;

            #[cached(max_size = 20_000, ttl_secs = 3600)]
            pub async fn plain(id: u64) -> $value {
                load::<$value>(id)
            }

            #[concurrent_cached(max_size = 20_000, ttl_secs = 3600)]
            pub async fn concurrent(id: u64) -> $value {
                load::<$value>(id)
            }

            #[concurrent_cached(max_size = 20_000, ttl_secs = 3600)]
            pub fn concurrent_sync(id: u64) -> $value {
                load::<$value>(id)
            }

            #[cfg(feature = "peers")]
            #[cachelito_async::cache_async(limit = 20_000, policy = "lru", ttl = 3600)]
            pub async fn cachelito(id: u64) -> $value {
                load::<$value>(id)
            }
        }

        pub fn $add(list: &mut List<u64>) {
            awaited(list, CACHED, $module::plain);
            awaited(list, CONCURRENT, $module::concurrent);
            called(list, CONCURRENT_SYNC, $module::concurrent_sync);
            #[cfg(feature = "peers")]
            awaited(list, "cachelito-async", $module::cachelito);
        }
    };
}

macro_rules! by_pair {
    ($module:ident, $add:ident, $value:ty) => {
        mod $module {
            use super::*;

            #[cached(
                max_size = 20_000,
                ttl_secs = 3600,
                key = "(String, u64)",
                convert = "{ (tenant.to_owned(), id) }"
            )]
            pub async fn plain(tenant: &str, id: u64) -> $value {
                load_pair::<$value>(tenant, id)
            }

            #[concurrent_cached(
                max_size = 20_000,
                ttl_secs = 3600,
                key = "(String, u64)",
                convert = "{ (tenant.to_owned(), id) }"
            )]
            pub async fn concurrent(tenant: &str, id: u64) -> $value {
                load_pair::<$value>(tenant, id)
            }

            #[concurrent_cached(
                max_size = 20_000,
                ttl_secs = 3600,
                key = "(String, u64)",
                convert = "{ (tenant.to_owned(), id) }"
            )]
            pub fn concurrent_sync(tenant: &str, id: u64) -> $value {
                load_pair::<$value>(tenant, id)
            }

            #[cfg(feature = "peers")]
            #[cachelito_async::cache_async(limit = 20_000, policy = "lru", ttl = 3600)]
            pub async fn cachelito(tenant: &str, id: u64) -> $value {
                load_pair::<$value>(tenant, id)
            }
        }

        pub fn $add(list: &mut List<Pair>) {
            awaited(list, CACHED, |(tenant, id)| $module::plain(tenant, id));
            awaited(list, CONCURRENT, |(tenant, id)| {
                $module::concurrent(tenant, id)
            });
            called(list, CONCURRENT_SYNC, |(tenant, id)| {
                $module::concurrent_sync(tenant, id)
            });
            #[cfg(feature = "peers")]
            awaited(list, "cachelito-async", |(tenant, id)| {
                $module::cachelito(tenant, id)
            });
        }
    };
}

by_number!(number_to_number, add_number_to_number, u64);
by_number!(number_to_user, add_number_to_user, Arc<User>);
by_pair!(pair_to_number, add_pair_to_number, u64);
by_pair!(pair_to_user, add_pair_to_user, Arc<User>);

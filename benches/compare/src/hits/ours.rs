//! The functions under `#[cache]`.

use std::sync::Arc;

use cached_runtime::cache;

use super::contender::{List, awaited};
use crate::keys::Pair;
use crate::values::{User, load, load_pair};

/// The row that the goals are about, and its siblings.
pub const LOCAL: &str = "cached-runtime";
pub const TIERS: &str = "cached-runtime [local, redis]";
pub const MOKA: &str = "cached-runtime moka";
pub const FALLIBLE: &str = "cached-runtime -> Result";

macro_rules! functions {
    ($module:ident, $load:ident, $value:ty, $list:ty, ($($part:ident: $type:ty),*), $local:literal, $tiers:literal, $moka:literal, $fallible:literal) => {
        pub mod $module {
            use super::*;

            #[cache(key = $local, ttl = "1h", capacity = 20_000, backend = "local")]
            pub async fn local($($part: $type),*) -> $value {
                $load($($part),*)
            }

            #[cache(key = $tiers, ttl = "1h", capacity = 20_000, backend = ["local", "redis"])]
            pub async fn tiers($($part: $type),*) -> $value {
                $load($($part),*)
            }

            #[cache(key = $moka, ttl = "1h", capacity = 20_000, backend = "moka")]
            pub async fn moka($($part: $type),*) -> $value {
                $load($($part),*)
            }

            #[cache(key = $fallible, ttl = "1h", capacity = 20_000, backend = "local")]
            pub async fn fallible($($part: $type),*) -> Result<$value, String> {
                Ok($load($($part),*))
            }
        }
    };
}

functions!(number_to_number, load, u64, List<u64>, (id: u64), "nn:{id}", "nnt:{id}", "nnm:{id}", "nnf:{id}");
functions!(number_to_user, load, Arc<User>, List<u64>, (id: u64), "nu:{id}", "nut:{id}", "num:{id}", "nuf:{id}");
functions!(pair_to_number, load_pair, u64, List<Pair>, (tenant: &str, id: u64), "pn:{tenant}:{id}", "pnt:{tenant}:{id}", "pnm:{tenant}:{id}", "pnf:{tenant}:{id}");
functions!(pair_to_user, load_pair, Arc<User>, List<Pair>, (tenant: &str, id: u64), "pu:{tenant}:{id}", "put:{tenant}:{id}", "pum:{tenant}:{id}", "puf:{tenant}:{id}");

macro_rules! by_number {
    ($name:ident, $module:ident) => {
        pub fn $name(list: &mut List<u64>) {
            awaited(list, LOCAL, $module::local);
            awaited(list, FALLIBLE, $module::fallible);
            awaited(list, TIERS, $module::tiers);
            awaited(list, MOKA, $module::moka);
        }
    };
}

macro_rules! by_pair {
    ($name:ident, $module:ident) => {
        pub fn $name(list: &mut List<Pair>) {
            awaited(list, LOCAL, |(tenant, id)| $module::local(tenant, id));
            awaited(list, FALLIBLE, |(tenant, id)| $module::fallible(tenant, id));
            awaited(list, TIERS, |(tenant, id)| $module::tiers(tenant, id));
            awaited(list, MOKA, |(tenant, id)| $module::moka(tenant, id));
        }
    };
}

by_number!(add_number_to_number, number_to_number);
by_number!(add_number_to_user, number_to_user);
by_pair!(add_pair_to_number, pair_to_number);
by_pair!(add_pair_to_user, pair_to_user);

//! Maps and caches used by hand, as their documentation advises: look, and load and insert what is missing.

use std::hash::Hash;
use std::time::{Duration, Instant};

use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, UnitWeighter};

use super::contender::{List, awaited, called};
use crate::keys::{Borrowed, Key, Pair, ROOM};
use crate::values::{Load, Value};

pub const PAPAYA: &str = "papaya, unbounded, no ttl";
pub const QUICK: &str = "quick_cache, no ttl";
pub const QUICK_64: &str = "quick_cache 64 shards, no ttl";
pub const QUICK_TTL: &str = "quick_cache + Instant";
pub const MOKA_SYNC: &str = "moka sync";
pub const MOKA_FUTURE: &str = "moka future";
pub const MOKA_WITH: &str = "moka future get_with";

const HOUR: Duration = Duration::from_secs(3600);

/// How a key is kept, and looked up without being built.
pub trait Stored: Key + Load {
    type Owned: Clone + Eq + Hash + Send + Sync + 'static;
    type Query: Hash + Equivalent<Self::Owned> + Send + Sync;

    fn owned(self) -> Self::Owned;
    fn query(self) -> Self::Query;
}

impl Stored for u64 {
    type Owned = Self;
    type Query = Self;

    fn owned(self) -> Self {
        self
    }

    fn query(self) -> Self {
        self
    }
}

impl Stored for Pair {
    type Owned = (String, u64);
    type Query = Borrowed<'static>;

    fn owned(self) -> (String, u64) {
        (self.0.to_owned(), self.1)
    }

    fn query(self) -> Borrowed<'static> {
        Borrowed(self.0, self.1)
    }
}

type Quick<K, V> = quick_cache::sync::Cache<K, V>;

/// A cache lives as long as the process: what borrows it may then live in a task.
pub fn keep<C>(cache: C) -> &'static C {
    Box::leak(Box::new(cache))
}

pub fn add<K: Stored, V: Value>(list: &mut List<K>) {
    let map: &papaya::HashMap<K::Owned, V, foldhash::fast::RandomState> = keep(
        papaya::HashMap::builder()
            .capacity(ROOM)
            .hasher(foldhash::fast::RandomState::default())
            .build(),
    );
    called(list, PAPAYA, move |key: K| {
        let map = map.pin();
        map.get(&key.query()).cloned().unwrap_or_else(|| {
            let value: V = key.load();
            map.insert(key.owned(), value.clone());
            value
        })
    });

    quick(list, QUICK, keep(Quick::<K::Owned, V>::new(ROOM)));
    quick(list, QUICK_64, keep(in_64_shards::<K, V>()));

    let cache: &Quick<K::Owned, (V, Instant)> = keep(Quick::new(ROOM));
    called(list, QUICK_TTL, move |key: K| {
        let alive = cache
            .get(&key.query())
            .filter(|(_, until)| *until > Instant::now());
        alive.map_or_else(
            || {
                let value: V = key.load();
                cache.insert(key.owned(), (value.clone(), Instant::now() + HOUR));
                value
            },
            |(value, _)| value,
        )
    });

    let cache: &moka::sync::Cache<K::Owned, V> = keep(
        moka::sync::Cache::builder()
            .max_capacity(ROOM as u64)
            .time_to_live(HOUR)
            .build(),
    );
    called(list, MOKA_SYNC, move |key: K| {
        cache.get(&key.query()).unwrap_or_else(|| {
            let value: V = key.load();
            cache.insert(key.owned(), value.clone());
            value
        })
    });

    let cache: &moka::future::Cache<K::Owned, V> = keep(
        moka::future::Cache::builder()
            .max_capacity(ROOM as u64)
            .time_to_live(HOUR)
            .build(),
    );
    awaited(list, MOKA_FUTURE, move |key: K| async move {
        match cache.get(&key.query()).await {
            Some(value) => value,
            None => {
                let value: V = key.load();
                cache.insert(key.owned(), value.clone()).await;
                value
            }
        }
    });

    let cache: &moka::future::Cache<K::Owned, V> = keep(
        moka::future::Cache::builder()
            .max_capacity(ROOM as u64)
            .time_to_live(HOUR)
            .build(),
    );
    awaited(list, MOKA_WITH, move |key: K| {
        cache.get_with(key.owned(), async move { key.load() })
    });
}

fn quick<K: Stored, V: Value>(list: &mut List<K>, name: &str, cache: &'static Quick<K::Owned, V>) {
    called(list, name, move |key: K| {
        cache.get(&key.query()).unwrap_or_else(|| {
            let value: V = key.load();
            cache.insert(key.owned(), value.clone());
            value
        })
    });
}

fn in_64_shards<K: Stored, V: Value>() -> Quick<K::Owned, V> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(ROOM)
        .weight_capacity(ROOM as u64)
        .shards(64)
        .build()
        .expect("both bounds are set");
    Quick::with_options(
        options,
        UnitWeighter,
        DefaultHashBuilder::default(),
        quick_cache::sync::DefaultLifecycle::default(),
    )
}

//! One function for each chain, and every way to invalidate what it keeps.

use std::future::Future;
use std::time::Duration;

use cached_runtime::{Caches, cache, invalidate};

use crate::model::Model;
use crate::source::{Failed, KEYS, Source};

/// How something is invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    WriterOfEntry,
    WriterOfKey,
    WriterOfPattern,
    WriterOfCache,
    WriterOfOutput,
    Entry,
    Key,
    Pattern,
    CachePattern,
    Cache,
    Everything,
}

impl How {
    pub(crate) const ALL: [Self; 11] = [
        Self::WriterOfEntry,
        Self::WriterOfKey,
        Self::WriterOfPattern,
        Self::WriterOfCache,
        Self::WriterOfOutput,
        Self::Entry,
        Self::Key,
        Self::Pattern,
        Self::CachePattern,
        Self::Cache,
        Self::Everything,
    ];

    /// Whether it is about every key of the function.
    pub(crate) fn is_for_all(self) -> bool {
        matches!(self, Self::WriterOfCache | Self::Cache | Self::Everything)
    }
}

/// A cached function of versions.
pub(crate) trait Chain: 'static {
    const NAME: &'static str;
    /// The stores of the chain below memory, fastest first.
    const STORES: &'static [&'static str];

    fn read(source: &Source, id: usize) -> impl Future<Output = Result<u64, Failed>> + Send;
    /// What is kept, without a load.
    fn look(id: usize) -> impl Future<Output = Option<u64>> + Send;
    fn insert(id: usize, version: u64) -> impl Future<Output = ()> + Send;
    /// Makes a new version of `id` and invalidates. The versions that are the least to be seen from here on, of the
    /// keys that it was about.
    fn write(source: &Source, id: usize, how: How) -> impl Future<Output = [u64; KEYS]> + Send;
    /// Fails after its write.
    fn write_and_fail(source: &Source, id: usize) -> impl Future<Output = Result<(), Failed>> + Send;
}

macro_rules! chain {
    ($name:ident, $module:ident, $chain:tt, $stores:tt, $key:tt, $pattern:tt $(, $($more:tt)*)?) => {
        pub(crate) struct $name;

        mod $module {
            use super::*;

            #[cache(key = $key, backend = $chain, skip(source) $(, $($more)*)?)]
            pub(super) async fn read(source: &Source, id: usize) -> Result<u64, Failed> {
                source.read(id).await
            }

            #[invalidate(read(id))]
            pub(super) async fn entry(source: &Source, id: usize) -> [u64; KEYS] {
                source.write(id).await
            }

            #[invalidate(key = $key)]
            pub(super) async fn key(source: &Source, id: usize) -> [u64; KEYS] {
                source.write(id).await
            }

            #[invalidate(pattern = $pattern)]
            pub(super) async fn pattern(source: &Source, id: usize) -> [u64; KEYS] {
                source.write(id).await
            }

            #[invalidate(read(..))]
            pub(super) async fn cache(source: &Source, id: usize) -> [u64; KEYS] {
                source.write(id).await
            }

            #[invalidate(read(output.0))]
            pub(super) async fn output(source: &Source, id: usize) -> Option<(usize, [u64; KEYS])> {
                Some((id, source.write(id).await))
            }

            #[invalidate(read(id), when = "always")]
            pub(super) async fn fails(source: &Source, id: usize) -> Result<(), Failed> {
                source.write(id).await;
                Err(Failed)
            }
        }

        impl Chain for $name {
            const NAME: &'static str = stringify!($module);
            const STORES: &'static [&'static str] = &$stores;

            async fn read(source: &Source, id: usize) -> Result<u64, Failed> {
                $module::read(source, id).await
            }

            async fn look(id: usize) -> Option<u64> {
                $module::read_entry(id).get().await.unwrap()
            }

            async fn insert(id: usize, version: u64) {
                $module::read_entry(id).insert(version).await.unwrap();
            }

            async fn write(source: &Source, id: usize, how: How) -> [u64; KEYS] {
                let (entry, cache) = ($module::read_entry(id), $module::read_cache());
                let caches = Caches::current();
                let text = entry.key().to_string();
                let written = match how {
                    How::WriterOfEntry => $module::entry(source, id).await,
                    How::WriterOfKey => $module::key(source, id).await,
                    How::WriterOfPattern => $module::pattern(source, id).await,
                    How::WriterOfCache => $module::cache(source, id).await,
                    How::WriterOfOutput => $module::output(source, id).await.unwrap().1,
                    _ => source.write(id).await,
                };
                match how {
                    How::Entry => entry.invalidate().await.unwrap(),
                    How::Key => caches.invalidate_key(&text).await.unwrap(),
                    How::Pattern => drop(caches.invalidate_pattern(&format!("{text}*")).await.unwrap()),
                    How::CachePattern => drop(cache.invalidate_pattern(&text).await.unwrap()),
                    How::Cache => cache.clear().await.unwrap(),
                    How::Everything => caches.clear().await.unwrap(),
                    _ => {}
                }
                if how.is_for_all() {
                    return written;
                }
                std::array::from_fn(|other| if other == id { written[id] } else { 0 })
            }

            async fn write_and_fail(source: &Source, id: usize) -> Result<(), Failed> {
                $module::fails(source, id).await
            }
        }
    };
}

chain!(Local, local, "local", [], "local:{id}", "local:{id}*");
chain!(Moka, moka, "moka", [], "moka:{id}", "moka:{id}*");
chain!(
    LocalOff,
    local_off,
    "local",
    [],
    "local-off:{id}",
    "local-off:{id}*",
    single_flight = "off"
);
chain!(Far, far, "far", ["far"], "far:{id}", "far:{id}*");
chain!(
    LocalFar,
    local_far,
    ["local", "far"],
    ["far"],
    "local-far:{id}",
    "local-far:{id}*",
    ttl = "1h"
);
chain!(
    MokaFar,
    moka_far,
    ["moka", "far"],
    ["far"],
    "moka-far:{id}",
    "moka-far:{id}*"
);
chain!(
    NearFar,
    near_far,
    ["near", "far"],
    ["near", "far"],
    "near-far:{id}",
    "near-far:{id}*"
);
chain!(
    FarNear,
    far_near,
    ["far", "near"],
    ["far", "near"],
    "far-near:{id}",
    "far-near:{id}*"
);
chain!(
    Three,
    three,
    ["local", "near", "far"],
    ["near", "far"],
    "three:{id}",
    "three:{id}*",
    ttl = "1h",
    tier("local", ttl = "1m")
);
chain!(
    ThreeOff,
    three_off,
    ["local", "near", "far"],
    ["near", "far"],
    "three-off:{id}",
    "three-off:{id}*",
    single_flight = "off"
);

/// The stores of a test, and the `Caches` over them.
pub(crate) struct Stores {
    near: Model,
    far: Model,
    pub(crate) caches: Caches,
}

impl Stores {
    /// In which a call is given all the time there is.
    pub(crate) fn new() -> Self {
        Self::of(Model::default(), Model::default(), Duration::from_secs(3600))
    }

    pub(crate) fn of(near: Model, far: Model, budget: Duration) -> Self {
        let caches = Caches::builder()
            .namespace("tests")
            .store("near", near.clone())
            .store("far", far.clone())
            .time_budget(budget)
            .build()
            .unwrap();
        Self { near, far, caches }
    }

    /// One of the chain's, by its place.
    pub(crate) fn of_chain<C: Chain>(&self, place: usize) -> &Model {
        match C::STORES[place] {
            "near" => &self.near,
            _ => &self.far,
        }
    }

    /// New ones, but for the lowest of the chain: what a process finds that has just started.
    pub(crate) fn above_the_lowest<C: Chain>(&self, budget: Duration) -> Self {
        match C::STORES.last() {
            Some(&"near") => Self::of(self.near.clone(), Model::default(), budget),
            _ => Self::of(Model::default(), self.far.clone(), budget),
        }
    }

    pub(crate) fn both(&self) -> [&Model; 2] {
        [&self.near, &self.far]
    }
}

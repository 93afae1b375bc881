//! What was said of a cache comes to this, and when two descriptions of one name are one cache.

use std::any::TypeId;
use std::panic::Location;
use std::time::Duration;

use super::settings::{Said, Ttl};
use crate::Codec;
use crate::caches::build::bound;
use crate::policy::{Refresh, Strategy};
use crate::tier::memory::{Bound, Memory};

/// What a description comes to. Two that come to the same are one cache.
pub(super) struct Settings {
    /// Of the first.
    pub(super) place: &'static Location<'static>,
    value: TypeId,
    value_name: &'static str,
    pub(super) chain: Vec<String>,
    /// The longest life in each tier of the chain.
    tier_ttls: Vec<Option<Duration>>,
    bound: Option<Bound>,
    weight: Option<TypeId>,
    ttl: Option<Ttl>,
    jitter: u32,
    none_ttl: Option<Duration>,
    expires: Option<TypeId>,
    idle: Option<Duration>,
    refresh: Option<Refresh>,
    stale: Option<Duration>,
    /// What writers do: to reload ahead is all that `refresh_ahead` adds, and that is in `refresh`.
    strategy: Strategy,
    /// `queue`, `retries` and `concurrency` of writers.
    writers: (usize, u32, usize),
    cache_if: Option<TypeId>,
    single_flight: bool,
    codec: Option<Codec>,
    version: u32,
    compress: Option<usize>,
}

impl Settings {
    /// Of values `V` in these stores.
    pub(super) fn new<V: 'static>(said: &Said, chain: &[&str]) -> Self {
        let (spec, writers) = (said.spec(), said.writers());
        let tiers = said.tiers();
        let tier = |store: &str| tiers.iter().find(|tier| tier.store == store);
        let memory = chain.iter().find(|store| Memory::NAMES.contains(store));
        Self {
            place: said.place,
            value: TypeId::of::<V>(),
            value_name: std::any::type_name::<V>(),
            chain: chain.iter().map(|&store| store.to_owned()).collect(),
            tier_ttls: chain.iter().map(|store| tier(store)?.ttl).collect(),
            bound: memory.map(|store| bound(&spec, tier(store))),
            weight: said.weight,
            ttl: said.ttl,
            jitter: spec.jitter,
            none_ttl: spec.none_ttl,
            expires: said.expires,
            idle: spec.idle,
            refresh: spec.refresh,
            stale: spec.stale,
            strategy: match spec.strategy {
                Strategy::RefreshAhead => Strategy::CacheAside,
                strategy => strategy,
            },
            writers: (writers.queue, writers.retries, writers.concurrency),
            cache_if: said.cache_if,
            single_flight: spec.single_flight,
            codec: spec.codec.or(Codec::DEFAULT),
            version: spec.version,
            compress: spec.compress,
        }
    }

    /// In what two of one name are not the same.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        if self.value != other.value {
            let (there, here) = (self.value_name, other.value_name);
            return vec![format!("type of values (`{there}` there, `{here}` here)")];
        }
        let same = [
            ("chain", self.chain == other.chain),
            (
                "`tier`",
                self.chain != other.chain || self.tier_ttls == other.tier_ttls,
            ),
            ("bound", self.bound == other.bound),
            ("`weight`", self.weight == other.weight),
            ("`ttl`", self.ttl == other.ttl),
            ("`jitter`", self.jitter == other.jitter),
            ("`none_ttl`", self.none_ttl == other.none_ttl),
            ("`expires`", self.expires == other.expires),
            ("`idle`", self.idle == other.idle),
            ("`refresh`", self.refresh == other.refresh),
            ("`stale`", self.stale == other.stale),
            ("`strategy`", self.strategy == other.strategy),
            ("`queue`", self.writers.0 == other.writers.0),
            ("`retries`", self.writers.1 == other.writers.1),
            ("`concurrency`", self.writers.2 == other.writers.2),
            ("`cache_if`", self.cache_if == other.cache_if),
            ("`single_flight`", self.single_flight == other.single_flight),
            ("`codec`", self.codec == other.codec),
            ("`version`", self.version == other.version),
            ("`compress`", self.compress == other.compress),
        ];
        let different = same.into_iter().filter(|(_, same)| !same);
        different.map(|(name, _)| name.to_owned()).collect()
    }
}

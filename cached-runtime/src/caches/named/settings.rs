//! What was said of a cache, and what is wrong with it: the rules that the attribute has while compiling.

use std::any::TypeId;
use std::panic::Location;
use std::time::Duration;

use super::life::{self, millionths};
use crate::Codec;
use crate::behind;
use crate::key::Template;
use crate::policy::{Refresh, Spec, Strategy, TierSpec};

/// What generations are called begins like this in stores, and no cache may.
const RESERVED: &str = "{generation}";

/// What was said.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) place: &'static Location<'static>,
    pub(super) ttl: Option<Ttl>,
    pub(super) jitter: Option<f64>,
    pub(super) none_ttl: Option<Duration>,
    pub(super) expires: Option<TypeId>,
    pub(super) idle: Option<Duration>,
    pub(super) refresh: Option<SaidRefresh>,
    pub(super) stale: Option<Duration>,
    pub(super) strategy: Strategy,
    pub(super) queue: Option<usize>,
    pub(super) retries: Option<u32>,
    pub(super) concurrency: Option<usize>,
    pub(super) cache_if: Option<TypeId>,
    pub(super) backend: Option<Vec<String>>,
    pub(super) tiers: Vec<SaidOfTier>,
    pub(super) capacity: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) weight: Option<TypeId>,
    pub(super) single_flight: bool,
    pub(super) codec: Option<Codec>,
    pub(super) version: Option<u32>,
    pub(super) compress: Option<usize>,
}

/// Said by value, or by which closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ttl {
    Fixed(Duration),
    OfValue(TypeId),
}

/// Said as an age, or as a part of the ttl.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SaidRefresh {
    Age(Duration),
    Part(f64),
}

/// When an entry is reloaded under `refresh_ahead`, if `refresh` does not say otherwise.
const REFRESH_AHEAD: Refresh = Refresh::Part(800_000);

/// What was said of one tier.
pub(super) struct SaidOfTier {
    pub(super) store: String,
    pub(super) ttl: Option<Duration>,
    pub(super) capacity: Option<u64>,
    pub(super) max_bytes: Option<u64>,
}

impl SaidOfTier {
    pub(super) fn new(store: String) -> Self {
        Self {
            store,
            ttl: None,
            capacity: None,
            max_bytes: None,
        }
    }

    fn spec(&self) -> TierSpec<'_> {
        TierSpec {
            ttl: self.ttl,
            capacity: self.capacity,
            max_bytes: self.max_bytes,
            ..TierSpec::new(&self.store)
        }
    }
}

/// The template of the keys of a cache of this name.
pub(super) fn template(name: &str) -> Template {
    Template::for_function(name, 1)
}

fn is_memory(store: &str) -> bool {
    ["local", "moka"].contains(&store)
}

impl Said {
    pub(super) fn new(name: String, place: &'static Location<'static>) -> Self {
        Self {
            name,
            place,
            ttl: None,
            jitter: None,
            none_ttl: None,
            expires: None,
            idle: None,
            refresh: None,
            stale: None,
            strategy: Strategy::CacheAside,
            queue: None,
            retries: None,
            concurrency: None,
            cache_if: None,
            backend: None,
            tiers: Vec::new(),
            capacity: None,
            max_bytes: None,
            weight: None,
            single_flight: true,
            codec: None,
            version: None,
            compress: None,
        }
    }

    pub(super) fn tiers(&self) -> Vec<TierSpec<'_>> {
        self.tiers.iter().map(SaidOfTier::spec).collect()
    }

    /// The ttl, where it is the same for all values.
    pub(super) fn fixed_ttl(&self) -> Option<Duration> {
        match self.ttl {
            Some(Ttl::Fixed(ttl)) => Some(ttl),
            Some(Ttl::OfValue(_)) | None => None,
        }
    }

    pub(super) fn spec(&self) -> Spec {
        let ahead = (self.strategy == Strategy::RefreshAhead).then_some(REFRESH_AHEAD);
        let refresh = self.refresh.map(|refresh| match refresh {
            SaidRefresh::Age(age) => Refresh::Age(age),
            SaidRefresh::Part(part) => Refresh::Part(millionths(part)),
        });
        Spec {
            ttl: self.fixed_ttl(),
            jitter: millionths(self.jitter.unwrap_or_default()),
            none_ttl: self.none_ttl,
            idle: self.idle,
            refresh: refresh.or(ahead),
            stale: self.stale,
            strategy: self.strategy,
            capacity: self.capacity,
            max_bytes: self.max_bytes,
            single_flight: self.single_flight,
            codec: self.codec,
            version: self.version.unwrap_or_default(),
            compress: self.compress,
            ..Spec::new("", || "", self.place.file(), self.place.line())
        }
    }

    /// What its writers are set to, under `WriteBehind`.
    pub(super) fn writers(&self) -> behind::Settings {
        let unsaid = behind::Settings::OF_ENTRIES;
        behind::Settings {
            queue: self.queue.unwrap_or(unsaid.queue),
            retries: self.retries.unwrap_or(unsaid.retries),
            concurrency: self.concurrency.unwrap_or(unsaid.concurrency),
            ..unsaid
        }
    }

    /// Everything that is wrong with what was said, whatever else there is.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        self.check_name(&mut mistakes);
        self.check_amounts(&mut mistakes);
        life::check(self, &mut mistakes);
        self.check_writers(&mut mistakes);
        self.check_tiers(&mut mistakes);
        self.check_bounds(&mut mistakes);
        let only_memory = |chain: &Vec<String>| chain.iter().all(|store| is_memory(store));
        if self.backend.as_ref().is_some_and(only_memory) {
            for (said, name) in [
                (self.codec.is_some(), "codec"),
                (self.version.is_some(), "version"),
                (self.compress.is_some(), "compress"),
            ] {
                if said {
                    mistakes.push(format!(
                        "`{name}` is about remote stores, and this chain keeps typed values in memory: remove it, or add \
                         a store"
                    ));
                }
            }
        }
        mistakes
    }

    fn check_name(&self, mistakes: &mut Vec<String>) {
        if self.name.is_empty() {
            mistakes.push("a cache's name cannot be empty".to_owned());
        }
        if let Some(control) = self.name.chars().find(|character| character.is_control()) {
            mistakes.push(format!(
                "a key cannot hold the control character `{}`, which stores take for the end of a word, and the name is a part \
                 of each: use `:` or `/`",
                control.escape_default()
            ));
        }
        if self.name == RESERVED || self.name.starts_with(&format!("{RESERVED}:")) {
            mistakes.push(format!(
                "a name cannot begin with `{RESERVED}`, which is taken by this crate"
            ));
        }
    }

    fn check_amounts(&self, mistakes: &mut Vec<String>) {
        let tiers = || self.tiers.iter();
        let age = match self.refresh {
            Some(SaidRefresh::Age(age)) => Some(age),
            Some(SaidRefresh::Part(_)) | None => None,
        };
        let mut spans = [self.fixed_ttl(), self.none_ttl, self.idle, age, self.stale]
            .into_iter()
            .chain(tiers().map(|tier| tier.ttl));
        if spans.any(|ttl| ttl == Some(Duration::ZERO)) {
            mistakes.push("a duration of zero keeps nothing: give a longer one".to_owned());
        }
        let mut capacities = [self.capacity]
            .into_iter()
            .chain(tiers().map(|tier| tier.capacity));
        if capacities.any(|entries| entries == Some(0)) {
            mistakes.push("a capacity of zero keeps nothing: give at least 1".to_owned());
        }
        let mut sizes = [self.max_bytes]
            .into_iter()
            .chain(tiers().map(|tier| tier.max_bytes));
        if sizes.any(|bytes| bytes == Some(0)) {
            mistakes.push("a size of zero keeps nothing: give a larger one".to_owned());
        }
    }

    /// What only a queue needs.
    fn check_writers(&self, mistakes: &mut Vec<String>) {
        let said = [
            (self.queue.is_some(), "queue"),
            (self.retries.is_some(), "retries"),
            (self.concurrency.is_some(), "concurrency"),
        ];
        for (_, name) in said.into_iter().filter(|(said, _)| *said) {
            if self.strategy != Strategy::WriteBehind {
                mistakes.push(format!(
                    "`{name}` is about writes that are run later: add `strategy(Strategy::WriteBehind)`, or remove it"
                ));
            }
        }
        for (said, name) in [(self.queue, "queue"), (self.concurrency, "concurrency")] {
            if said == Some(0) {
                mistakes.push(format!(
                    "with a `{name}` of zero nothing would ever be written: give at least 1"
                ));
            }
        }
    }

    fn check_tiers(&self, mistakes: &mut Vec<String>) {
        for (at, tier) in self.tiers.iter().enumerate() {
            let store = &tier.store;
            if self.tiers[..at].iter().any(|earlier| earlier.store == *store) {
                mistakes.push(format!(
                    "the settings of `{store}` are given twice: put them into one `tier`"
                ));
            }
            if let Some(chain) = &self.backend
                && !chain.contains(store)
            {
                mistakes.push(format!("the tier `{store}` is not in this cache's `backend`"));
            }
            if tier.ttl.is_none() && tier.capacity.is_none() && tier.max_bytes.is_none() {
                mistakes.push(format!(
                    "the tier `{store}` has no settings: give it one, or leave the tier out"
                ));
            }
            for (said, name) in [
                (tier.capacity.is_some(), "capacity"),
                (tier.max_bytes.is_some(), "max_bytes"),
            ] {
                if said && !is_memory(store) {
                    mistakes.push(format!(
                        "`{name}` bounds memory, and `{store}` has limits of its own: remove it there"
                    ));
                }
            }
        }
    }

    /// The bounds of the memory tier: said once, with what they need.
    fn check_bounds(&self, mistakes: &mut Vec<String>) {
        let in_tier = |bound: fn(&SaidOfTier) -> Option<u64>| {
            let mut memory = self.tiers.iter().filter(|tier| is_memory(&tier.store));
            memory.find_map(bound).is_some()
        };
        let tier_max_bytes = in_tier(|tier| tier.max_bytes);
        let without_memory = |chain: &Vec<String>| !chain.iter().any(|store| is_memory(store));
        for (name, own, of_tier) in [
            ("capacity", self.capacity.is_some(), in_tier(|tier| tier.capacity)),
            ("max_bytes", self.max_bytes.is_some(), tier_max_bytes),
        ] {
            if own && of_tier {
                mistakes.push(format!(
                    "`{name}` is said of the memory tier too: there is only one, so say it once"
                ));
            }
            if own && self.backend.as_ref().is_some_and(without_memory) {
                mistakes.push(format!(
                    "`{name}` bounds memory, and nothing in this chain is: add `local` to `backend`, or remove it"
                ));
            }
        }
        match (self.max_bytes.is_some() || tier_max_bytes, self.weight) {
            (true, None) => mistakes.push(
                "how many bytes an entry has must be told: add `weight`, or use `capacity` in the place of `max_bytes`"
                    .to_owned(),
            ),
            (false, Some(_)) => mistakes.push(
                "a `weight` is counted against a bound in bytes: add `max_bytes`, or remove it".to_owned(),
            ),
            _ => {}
        }
    }
}

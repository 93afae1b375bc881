//! Makes what a `Caches` keeps for a function, when it is first called, or for a cache that is made by name.

use std::sync::{Arc, Weak};

use super::Caches;
use super::function::Function;
use super::registry::Site;
use crate::behind::{self, Behind};
use crate::call::reloads::Reloads;
use crate::codec::shape;
use crate::flight::Flights;
use crate::hooks::Erased;
use crate::key::Template;
use crate::policy::{Decided, Spec, Strategy, TierSpec};
use crate::resilience::{Test, Troubles};
use crate::stats::Counts;
use crate::tier::memory::{Bound, Memory};
use crate::tier::remote::Remote;
use crate::tier::stamps::Stamps;

/// The bound of a memory tier that was given none.
const CAPACITY: u64 = 10_000;

/// What is to be made.
pub(super) struct Blueprint<'a> {
    pub(super) name: &'a str,
    /// Where it is asked for, for reports.
    pub(super) place: String,
    pub(super) template: Template,
    /// The stores, by name, fastest first.
    pub(super) chain: Vec<&'a str>,
    pub(super) tiers: &'a [TierSpec<'a>],
    /// Everything but what stands above, and may be left out here.
    pub(super) spec: Decided,
    pub(super) hooks: Erased,
    /// Of entries, under `write_behind`.
    pub(super) writers: behind::Settings,
}

impl<'a> Blueprint<'a> {
    /// The settings of one tier of the chain.
    fn tier(&self, store: &str) -> Option<&'a TierSpec<'a>> {
        self.tiers.iter().find(|tier| tier.store == store)
    }
}

/// The tier's own bound, else the function's, else the default.
pub(super) fn bound(spec: &Spec, tier: Option<&TierSpec<'_>>) -> Bound {
    let entries = tier.and_then(|tier| tier.capacity).or(spec.capacity);
    match tier.and_then(|tier| tier.max_bytes).or(spec.max_bytes) {
        // With both, no record counts less than would let one more than `capacity` in.
        Some(bytes) => Bound::Bytes {
            bytes,
            least: entries.map_or(1, |entries| bytes / entries.saturating_add(1) + 1),
        },
        None => Bound::Entries(entries.unwrap_or(CAPACITY)),
    }
}

impl Caches {
    /// The chain of a function, by name.
    pub(super) fn chain_of<'a>(&'a self, spec: &'a Spec) -> Vec<&'a str> {
        match spec.backend {
            Some(names) => names.to_vec(),
            None => self.0.chain.iter().map(String::as_str).collect(),
        }
    }

    pub(super) fn build_function(&self, site: &'static Site, hooks: Erased) -> Arc<Function> {
        let spec = site.spec();
        self.build_from(Blueprint {
            name: site.name(),
            place: site.place(),
            template: site.template(),
            chain: self.chain_of(spec),
            tiers: spec.tiers,
            spec: Decided::Compiled(spec),
            hooks,
            writers: behind::Settings::OF_ENTRIES,
        })
    }

    pub(super) fn build_from(&self, blueprint: Blueprint<'_>) -> Arc<Function> {
        let stamps = Arc::new(Stamps::new(Arc::clone(&self.0.stripes)));
        let mut memory = None;
        let mut remotes = Vec::new();
        let mut missing = Vec::new();
        for name in blueprint.chain.iter().copied() {
            let tier = blueprint.tier(name);
            let ttl = tier.and_then(|tier| tier.ttl);
            if Memory::NAMES.contains(&name) {
                let bound = bound(&blueprint.spec, tier);
                let (clock, stamps) = (self.0.clock.clone(), Arc::clone(&stamps));
                let new = Memory::new(name, bound, ttl, clock, stamps);
                memory = Some(new.kept_by_reads(blueprint.spec.idle.is_some()));
            } else if let Some(store) = self.0.stores.iter().find(|store| store.name() == name) {
                remotes.push(Remote::new(
                    Arc::clone(store),
                    ttl,
                    &self.0.prefix,
                    blueprint.name,
                ));
            } else {
                missing.push(name);
            }
        }
        let is_off = self.0.disabled || self.0.unusable.is_some();
        let disabled = is_off || !missing.is_empty();
        if !missing.is_empty() && !is_off {
            tracing::error!(
                function = blueprint.name,
                place = blueprint.place,
                stores = missing.join(", "),
                "a cached function names a store that nothing provides; it runs uncached"
            );
        }
        if blueprint.hooks.remote.is_none() && !remotes.is_empty() {
            tracing::error!(
                function = blueprint.name,
                "the values of this function cannot leave the process; only memory serves"
            );
            remotes.clear();
        }
        let tells = blueprint.spec.idle.is_some() && !remotes.is_empty();
        let writes_behind = blueprint.spec.strategy == Strategy::WriteBehind && !disabled;
        let Blueprint {
            name,
            template,
            spec,
            hooks,
            writers,
            ..
        } = blueprint;
        let name: Arc<str> = name.into();
        let fingerprint = hooks
            .remote
            .as_ref()
            .map_or(0, |remote| shape::fingerprint(remote.shape, &name, spec.version));
        let template = Arc::new(template);
        let flights = Arc::<Flights>::default();
        let reloading = if memory.is_some() && remotes.is_empty() {
            Arc::clone(&flights)
        } else {
            Arc::default()
        };
        Arc::new_cyclic(|function: &Weak<Function>| Function {
            memory: memory.map(|memory| {
                if tells {
                    telling(memory, function.clone())
                } else {
                    memory
                }
            }),
            name,
            spec,
            owns: owns(&self.0.prefix, &template),
            template,
            hooks,
            remotes,
            flights,
            reloading,
            stamps,
            counts: Counts::default(),
            prefix: Arc::clone(&self.0.prefix),
            fingerprint,
            troubles: Troubles::default(),
            background: self.0.background.clone(),
            reloads: Arc::new(Reloads::new(self.0.clock.clone())),
            behind: writes_behind.then(|| Behind::new(writers, self.0.on_failed_write.clone())),
            disabled,
        })
    }
}

/// A read in memory keeps the entry in the tiers below too.
fn telling(memory: Memory, function: Weak<Function>) -> Memory {
    memory.telling(Box::new(move |probe, left| {
        if let Some(function) = function.upgrade() {
            function.tell_below(probe, left);
        }
    }))
}

/// Tells the keys of a function in remote stores.
fn owns(prefix: &Arc<str>, template: &Arc<Template>) -> Test {
    let (prefix, template) = (Arc::clone(prefix), Arc::clone(template));
    Arc::new(move |key| {
        let text = key.strip_prefix(&*prefix);
        text.is_some_and(|text| template.parse(text).is_some())
    })
}

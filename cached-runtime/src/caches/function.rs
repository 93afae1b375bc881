//! A cached function inside one `Caches`: its tiers, flights and counts, without its types.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use super::patterns;
use crate::background::Background;
use crate::behind::Behind;
use crate::call::reloads::Reloads;
use crate::codec::Codec;
use crate::entry::Content;
use crate::flight::Flights;
use crate::hooks::Erased;
use crate::invalidate;
use crate::key::{Glob, Key, KeyBytes, Template};
pub(crate) use crate::plan::Plan;
use crate::policy::{Decided, Strategy};
use crate::resilience::{Guarded, Matching, Test, Troubles, generations};
use crate::stats::{CacheStats, Counts, TierStats};
use crate::tier::memory::{Fill, Memory, Probe};
use crate::tier::remote::{Form, Remote};
use crate::tier::stamps::{Stamp, Stamps};
use crate::together::{self, BESIDE};

pub(crate) struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) spec: Decided,
    pub(crate) template: Arc<Template>,
    pub(crate) hooks: Erased,
    pub(crate) memory: Option<Memory>,
    /// The tiers below memory, fastest first.
    pub(crate) remotes: Vec<Remote>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) stamps: Arc<Stamps>,
    pub(crate) counts: Counts,
    /// What stands before every key in remote stores: the namespace and `:`, or nothing.
    pub(crate) prefix: Arc<str>,
    /// Whether a key in a remote store is one of this function.
    pub(crate) owns: Test,
    pub(crate) fingerprint: u64,
    /// With its values as bytes.
    pub(crate) troubles: Troubles,
    pub(crate) background: Background,
    /// Which runs of the body in the background may begin.
    pub(crate) reloads: Arc<Reloads>,
    /// Their flights: those of all loads where there is only memory, so that whoever finds nothing there waits for them; where
    /// there is a tier below, flights of their own, so that nobody waits who would find there what is stale.
    pub(crate) reloading: Arc<Flights>,
    /// Under `write_behind`.
    pub(crate) behind: Option<Behind>,
    /// Nothing provides a store that it names: it runs uncached.
    pub(crate) disabled: bool,
}

impl Function {
    /// A key has got another value, by a load `in_background` or otherwise, or none: what made loads of it in the background wait,
    /// or failed, was about the one before.
    pub(crate) fn has_another(&self, probe: Probe<'_>, in_background: bool) {
        self.reloads.resume(probe);
        if !in_background && self.reloads_apart() {
            self.reloading.detach(probe);
        }
    }

    /// The same for every key that `changed` names.
    pub(crate) fn have_others(&self, changed: impl Fn(&[u8]) -> bool) {
        self.reloads.resume_if(&changed);
        if self.reloads_apart() {
            self.reloading.detach_if(changed);
        }
    }

    /// Nobody waits for loads in the background.
    fn reloads_apart(&self) -> bool {
        !Arc::ptr_eq(&self.flights, &self.reloading)
    }

    /// The stores below memory, the lowest first.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &Arc<Guarded>> {
        self.remotes.iter().rev().map(|remote| &remote.guarded)
    }

    /// How long all of them may take to answer once.
    pub(crate) fn budgets(&self) -> Duration {
        let budgets = self.remotes.iter().map(|remote| remote.guarded.budget());
        budgets.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether a write of an entry is pending, whose value is newer than any that could be loaded.
    pub(crate) fn is_pending(&self, probe: Probe<'_>) -> bool {
        let pending = self
            .behind
            .as_ref()
            .and_then(|behind| behind.pending(probe.bytes));
        pending.is_some()
    }

    /// The same, for a refresh: the write sees to all tiers, but it may not have come to memory yet. Whoever finds nothing there
    /// is given what is pending.
    pub(crate) fn leaves_to_pending(&self, probe: Probe<'_>) -> bool {
        let is_pending = self.is_pending(probe);
        if is_pending {
            invalidate::forget(self, probe);
        }
        is_pending
    }

    /// The text of a key, without the namespace.
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        let mut text = String::new();
        self.template.render(bytes, &mut text);
        text
    }

    /// The key as remote stores have it.
    pub(crate) fn full_key(&self, bytes: &[u8]) -> String {
        // Of most keys the text is little longer than the compact form and the template around it.
        let mut key = String::with_capacity(self.prefix.len() + self.template.len() + 2 * bytes.len() + 16);
        key.push_str(&self.prefix);
        self.template.render(bytes, &mut key);
        key
    }

    /// Whether a key of it may match the pattern.
    pub(crate) fn may_have(&self, pattern: &Glob) -> bool {
        patterns::may_match(&self.template, pattern)
    }

    /// The keys of this function in a remote store whose text, without the namespace, matches `glob`.
    pub(crate) fn matching(&self, glob: &str) -> Matching {
        Matching {
            glob: format!("{}{glob}", self.prefix),
            test: Some(Arc::clone(&self.owns)),
            generations: None,
        }
    }

    /// All keys of this function in a remote store.
    pub(crate) fn matching_all(&self) -> Matching {
        Matching {
            generations: Some(vec![generations::of_cache(&self.prefix, &self.name)]),
            ..self.matching(&self.template.glob())
        }
    }

    /// How values look as bytes; `None` where they never leave the process.
    pub(crate) fn form(&self, absent: bool) -> Option<Form<'_>> {
        let hooks = self.hooks.remote?;
        let codec = self.spec.codec.or(Codec::DEFAULT)?;
        Some(Form {
            hooks,
            codec,
            fingerprint: self.fingerprint,
            name: &self.name,
            troubles: &self.troubles,
            spec: &self.spec,
            absent,
        })
    }

    /// Whether what is loaded goes into memory at once, and into the tiers below while nobody waits for it.
    pub(crate) fn fills_below_later(&self) -> bool {
        self.spec.strategy == Strategy::WriteBehind && self.memory.is_some()
    }

    /// When a load begins, in the order of all loads of the process.
    pub(crate) fn begin() -> u64 {
        static LOADS: AtomicU64 = AtomicU64::new(0);
        LOADS.fetch_add(1, Relaxed)
    }

    /// Whether and for how long a loaded value is kept, or the source's word that there is none.
    pub(crate) fn plan(&self, value: Option<&dyn Any>) -> Option<Plan> {
        let Some(value) = value else {
            return Some(Plan::plain(Some(self.jittered(self.spec.none_ttl?))));
        };
        if self.hooks.cache_if.as_ref().is_some_and(|keep| !keep(value)) {
            return None;
        }
        let ttl = match &self.hooks.ttl {
            Some(ttl) => ttl(value),
            None => self.spec.ttl,
        };
        let expires = self.hooks.expires.as_ref().and_then(|expires| expires(value));
        // What has expired already has no time left.
        let left = expires.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        let ttl = match (ttl, left) {
            (Some(ttl), Some(left)) => Some(ttl.min(left)),
            (ttl, left) => ttl.or(left),
        };
        let ttl = ttl.map(|ttl| self.jittered(ttl));
        (ttl != Some(Duration::ZERO)).then(|| Plan::of_value(&self.spec, ttl))
    }

    /// Tells the tiers below memory that an entry is read there, which has `left` to live however often that happens.
    /// In the background: nobody waits for it.
    pub(crate) fn tell_below(self: &Arc<Self>, probe: Probe<'_>, left: Option<Duration>) {
        if self.spec.idle.is_some() && !self.remotes.is_empty() {
            self.tell_many_below(vec![(self.full_key(probe.bytes), left)]);
        }
    }

    /// The same of many, by their full keys.
    pub(crate) fn tell_many_below(self: &Arc<Self>, read: Vec<(String, Option<Duration>)>) {
        let Some(idle) = self.spec.idle else { return };
        let lives = read.into_iter().filter_map(|(key, left)| {
            let life = left.map_or(idle, |left| left.min(idle));
            (!life.is_zero()).then_some((key, life))
        });
        let lives: Vec<(String, Duration)> = lives.collect();
        if lives.is_empty() {
            return;
        }
        let function = Arc::clone(self);
        self.background.spawn(async move {
            for remote in &function.remotes {
                // A tier that keeps nothing for longer than that anyway is left to do so. One that does is told of reads like
                // others: for how long it has had the entry nobody knows.
                if remote.ttl().is_some_and(|ttl| ttl <= idle) {
                    continue;
                }
                for some in lives.chunks(BESIDE) {
                    let touch = |(key, life): &(String, Duration)| {
                        let (guarded, key, life) = (&remote.guarded, key.clone(), *life);
                        // What is gone there, or cannot be told, is loaded again by whoever asks for it there.
                        Box::pin(async move { drop(guarded.touch(&key, life).await) })
                    };
                    together::all(some.iter().map(touch).collect()).await;
                }
            }
        });
    }

    /// Up to the function's jitter taken off, at random.
    fn jittered(&self, ttl: Duration) -> Duration {
        if self.spec.jitter == 0 {
            return ttl;
        }
        let off = f64::from(fastrand::u32(0..=self.spec.jitter)) / 1e6;
        // The longest lives are too long for what multiplies them.
        Duration::try_from_secs_f64(ttl.as_secs_f64() * (1.0 - off.min(1.0))).unwrap_or(ttl)
    }

    /// What a value counts in a memory tier that is bound by bytes.
    pub(crate) fn weight(&self, probe: Probe<'_>, content: &Content) -> u64 {
        match (&self.hooks.weight, content) {
            (Some(weight), Content::Value(value)) => {
                let key = Key::from_bytes(Arc::clone(&self.template), KeyBytes::from(probe.bytes));
                weight(&key, value)
            }
            _ => 1,
        }
    }

    /// Keeps in memory what a load brought that began under `stamp` and as number `began` of all. Whether it was let in: what is
    /// too heavy is, and is not kept.
    pub(crate) fn fill_memory(
        &self,
        probe: Probe<'_>,
        content: &Content,
        plan: Plan,
        stamp: Stamp,
        began: u64,
    ) -> bool {
        let Some(memory) = &self.memory else { return false };
        let fill = Fill {
            content: content.clone(),
            plan,
            began,
            weight: self.weight(probe, content),
        };
        let filled = memory.fill(probe, fill, stamp);
        if !filled {
            self.counts.memory_refused.add_one();
        }
        filled
    }

    /// Keeps it in the place of what is there, which goes in any case. The stamp has been moved on, so that nothing that was
    /// read before, in the source or in a tier below, is let in any more; `moved` is what it is then, if the load was the only
    /// one to move it on since it began. Else, and where a later load has been faster, nothing is kept: what that one has may
    /// be newer, and it may be what it has found in a tier below.
    pub(crate) fn replace_in_memory(
        &self,
        probe: Probe<'_>,
        content: &Content,
        plan: Plan,
        moved: Option<Stamp>,
        began: u64,
    ) {
        let Some(memory) = &self.memory else { return };
        let is_let_in = moved.is_some_and(|stamp| self.fill_memory(probe, content, plan, stamp, began));
        if !is_let_in {
            memory.remove(probe);
        }
    }

    /// Once the tiers below have it as well, and the stamp has been moved on once more: whoever has begun meanwhile may have
    /// found there what was there before. `again` is as `moved` was.
    pub(crate) fn replaced_below(&self, probe: Probe<'_>, again: Option<Stamp>, began: u64) {
        let Some(memory) = &self.memory else { return };
        match again {
            Some(_) => memory.remove_others(probe, began),
            None => _ = memory.remove(probe),
        }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = CacheStats {
            name: self.name.to_string(),
            misses: self.counts.misses.get(),
            loads: self.counts.loads.get(),
            failed_loads: self.counts.failed_loads.get(),
            reloads: self.counts.reloads.get(),
            ..CacheStats::default()
        };
        if let Some(behind) = &self.behind {
            stats.pending_writes = behind.len();
            stats.failed_writes = behind.failed();
            stats.repeated_writes = behind.repeated();
        }
        if let Some(memory) = &self.memory {
            stats.entries = memory.len();
            stats.evictions = memory.evictions();
            stats.tiers.push(TierStats {
                store: memory.name().to_owned(),
                hits: memory.hits(),
                misses: self.counts.memory_misses.get(),
                entries: Some(stats.entries),
                evictions: Some(stats.evictions),
                refused: self.counts.memory_refused.get(),
                ..TierStats::default()
            });
        }
        stats.tiers.extend(self.remotes.iter().map(Remote::stats));
        stats.hits = stats.tiers.iter().map(|tier| tier.hits).sum();
        stats
    }
}

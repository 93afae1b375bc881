//! Builds a `Caches`, and refuses one that its functions could not run on.

use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::mistakes::{check_chain, check_twins, described, refuse};
use super::registry::{Site, sites};
use super::{Caches, Inner, Named, Slot, environment, patterns};
use crate::background::Background;
use crate::behind::{FailedWrite, Report};
use crate::clock::Clock;
use crate::key::{Template, escape_value};
use crate::resilience::{Guarded, OwnKeys, Owned, generations};
use crate::tier::memory::Memory;
use crate::tier::stamps::Stripes;
use crate::{Error, Store};

/// How long one call of a store may take unless said otherwise.
const BUDGET: Duration = Duration::from_millis(500);

/// Settings of a [`Caches`]. Made by [`Caches::builder`].
#[must_use]
pub struct CachesBuilder {
    namespace: Option<String>,
    stores: Vec<(String, Arc<dyn Store>)>,
    chain: Vec<String>,
    budget: Duration,
    /// Not named as the setter is, which not every program has: for one that lacks it the compiler would point here.
    time: Clock,
    on_failed_write: Option<Report>,
    unusable: Option<String>,
    disabled: bool,
}

impl CachesBuilder {
    pub(super) fn new() -> Self {
        Self {
            namespace: None,
            stores: Vec::new(),
            chain: vec!["local".to_owned()],
            budget: BUDGET,
            time: Clock::System,
            on_failed_write: None,
            unusable: None,
            disabled: false,
        }
    }

    /// Put before every key in remote stores, with a `:`, so that several services can share a server. It is escaped
    /// as a value in a key is. Default: none.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into()).filter(|namespace| !namespace.is_empty());
        self
    }

    /// Registers a store under the name by which functions ask for it. `local` (and `moka`) are there already.
    pub fn store(mut self, name: impl Into<String>, store: impl Store) -> Self {
        self.stores.push((name.into(), Arc::new(store)));
        self
    }

    /// The chain of functions that name none: store names, fastest first, memory first of all. Default: `["local"]`.
    pub fn backend<N: Into<String>>(mut self, chain: impl IntoIterator<Item = N>) -> Self {
        self.chain = chain.into_iter().map(Into::into).collect();
        self
    }

    /// The longest that a call waits for one answer of a remote store; a look-up that takes longer is a miss. A store that
    /// does not answer costs a call so long once, whatever the call would ask it: what is to be removed there is queued. The removal
    /// of a pattern or of a whole cache may take 60 times as long, if the store answers when it begins.
    /// Default: 500 ms.
    pub fn time_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Turns caching off: every function runs its body, those with a `backend` of their own included, as all calls do under
    /// [`Mode::Off`](crate::Mode::Off). No store that a function names need be there. Writers and explicit calls still
    /// remove from the stores that are, for the sake of other processes; nothing is read or stored, and a writer under
    /// `write_behind` runs its body before it returns. [`Caches::install`] logs it. What `CACHE_BACKEND=none` does for
    /// [`Caches::from_env`]. Default: caching is on.
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Is told of every write under `strategy = "write_behind"` that the source has not taken, whatever was repeated. It is
    /// called in the background, and what it panics with is lost. Such a write is also logged as an error, and counted.
    /// Default: nobody is told.
    pub fn on_failed_write(mut self, told: impl Fn(&FailedWrite) + Send + Sync + 'static) -> Self {
        self.on_failed_write = Some(Arc::new(told));
        self
    }

    /// Takes the time of memory tiers from a clock that a test moves: their `ttl`, `idle`, `refresh` and `stale`. The
    /// pauses of `write_behind` and `time_budget` are tokio's. Default: the system's.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: &crate::testing::ManualClock) -> Self {
        self.time = clock.clock();
        self
    }

    /// Builds it, having looked at every annotated function of the program.
    ///
    /// # Errors
    ///
    /// One error of kind [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) that lists everything: functions
    /// whose `backend` names no store, two functions with one name or one key template, a chain with an unknown store, with
    /// memory below another store, or without any store, two stores of one name, a writer that removes by a pattern what a
    /// function may keep in a store that cannot find keys by pattern.
    pub fn build(self) -> Result<Caches, Error> {
        refuse(&self.mistakes())?;
        Ok(self.build_unchecked())
    }

    /// Refuses two functions of one name or one key template alone: they would answer for each other, which is worse
    /// than a function that runs uncached.
    pub(super) fn without_twins(self) -> Result<Self, Error> {
        let mut mistakes = Vec::new();
        check_twins(&mut mistakes);
        refuse(&mistakes)?;
        Ok(self)
    }

    /// Builds it whatever is wrong; functions that cannot be served run uncached.
    pub(super) fn build_unchecked(self) -> Caches {
        let prefix: Arc<str> = match &self.namespace {
            Some(namespace) => format!("{}:", escape_value(namespace)).into(),
            None => "".into(),
        };
        let background = Background::default();
        let owned = Arc::new(Owned::new(owned(&prefix)));
        let guard = |(name, store): (String, Arc<dyn Store>)| {
            Guarded::new(&name, store, self.budget, Arc::clone(&owned), background.clone())
        };
        let stores: Vec<Arc<Guarded>> = self.stores.into_iter().map(guard).collect();
        let chain: Vec<&str> = self.chain.iter().map(String::as_str).collect();
        let chains = sites().iter().map(|site| site.spec().backend.unwrap_or(&chain));
        Caches(Arc::new(Inner {
            prefix,
            upwards: RwLock::new(upwards(&stores, chains).into()),
            owned,
            stores,
            chain: self.chain,
            clock: self.time,
            stripes: Arc::new(Stripes::new()),
            slots: sites().iter().map(|_| Slot::default()).collect(),
            named: Named::default(),
            background,
            closed: AtomicBool::new(false),
            on_failed_write: self.on_failed_write,
            unusable: self.unusable,
            disabled: self.disabled,
        }))
    }

    /// Caches nothing.
    pub(super) fn unusable(mut self, why: String) -> Self {
        self.unusable = Some(why);
        self
    }

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for (at, (name, _)) in self.stores.iter().enumerate() {
            if Memory::NAMES.contains(&name.as_str()) || ["local", "moka"].contains(&name.as_str()) {
                mistakes.push(format!(
                    "the name `{name}` is taken by a memory tier; register the store under another"
                ));
            }
            if name.trim().is_empty() {
                mistakes.push(
                    "a store is registered without a name, by which functions could ask for it".to_owned(),
                );
            }
            if self.stores[..at].iter().any(|(other, _)| other == name) {
                mistakes.push(format!("two stores are registered as `{name}`"));
            }
        }
        if self.disabled {
            // Nothing is asked of the stores but removals.
            check_twins(&mut mistakes);
            return mistakes;
        }
        let stores: Vec<&str> = self.stores.iter().map(|(name, _)| name.as_str()).collect();
        let chain: Vec<&str> = self.chain.iter().map(String::as_str).collect();
        check_chain("the default chain", &chain, &stores, &mut mistakes);
        for site in sites() {
            if let Some(chain) = site.spec().backend {
                check_chain(&described(site), chain, &stores, &mut mistakes);
            } else if site.spec().memory_only && chain.iter().any(|name| !Memory::NAMES.contains(name)) {
                mistakes.push(format!(
                    "{}: its values cannot leave the process, so it needs `backend = \"local\"`",
                    described(site)
                ));
            }
        }
        check_twins(&mut mistakes);
        let blind = |name: &&str| {
            let mut stores = self.stores.iter();
            stores.any(|(store, is)| store == name && !is.guarantees().patterns)
        };
        mistakes.extend(patterns::mistakes(|site| {
            let names = site.spec().backend.unwrap_or(&chain);
            names.iter().find(|name| blind(name)).copied()
        }));
        mistakes
    }
}

/// Everything in the namespace; without one, whatever the program's own functions could have written.
fn owned(prefix: &Arc<str>) -> OwnKeys {
    if !prefix.is_empty() {
        let test = Arc::clone(prefix);
        return OwnKeys {
            globs: vec![format!("{prefix}*")],
            tests: vec![Arc::new(move |key| key.starts_with(&*test))],
            generations: generations::of_namespace(prefix).into_iter().collect(),
        };
    }
    let templates: Vec<Template> = sites().iter().map(|site| site.template()).collect();
    let globs = templates.iter().map(Template::glob).collect();
    let of_site = |site: &&Site| generations::of_cache(prefix, site.name());
    OwnKeys {
        globs,
        generations: sites().iter().map(of_site).collect(),
        tests: vec![Arc::new(move |key| {
            templates.iter().any(|template| template.parse(key).is_some())
        })],
    }
}

/// The shortest way found through all stores that passes each chain's from the lowest up: were an upper one passed first,
/// a reader could fill it again from the one below before that is passed too.
fn upwards<'a>(stores: &'a [Arc<Guarded>], chains: impl Iterator<Item = &'a [&'a str]>) -> Vec<Arc<Guarded>> {
    let mut way: Vec<Arc<Guarded>> = Vec::new();
    for chain in chains {
        lead_through(&mut way, stores, chain.iter().copied());
    }
    for store in stores {
        lead_through(&mut way, stores, std::iter::once(store.name()));
    }
    way
}

/// Leads a way through the stores of one more chain, from the lowest up.
pub(super) fn lead_through<'a>(
    way: &mut Vec<Arc<Guarded>>,
    stores: &[Arc<Guarded>],
    chain: impl DoubleEndedIterator<Item = &'a str>,
) {
    let mut at = 0;
    for name in chain.rev() {
        let Some(store) = stores.iter().find(|store| store.name() == name) else {
            continue;
        };
        match way[at..].iter().position(|passed| passed.name() == name) {
            Some(further) => at += further,
            None => way.insert(at, Arc::clone(store)),
        }
        at += 1;
    }
}

impl Caches {
    /// Says once which stores serve which functions.
    pub(super) fn announce(&self) {
        if self.0.disabled {
            tracing::warn!(
                "caching is off, as `CACHE_BACKEND=none` or `CachesBuilder::disabled` says: every cached function runs its body"
            );
            return;
        }
        let mut line = String::new();
        for store in &self.0.stores {
            let _ = write!(line, "{} = {}; ", store.name(), store.store().describe());
        }
        for site in sites() {
            let _ = write!(
                line,
                "{}: {}; ",
                site.name(),
                self.chain_of(site.spec()).join(" > ")
            );
        }
        tracing::info!(
            default = self.0.chain.join(" > "),
            "caches: {}",
            line.trim_end_matches("; ")
        );
        self.announce_idle_tiers();
    }

    /// Settings of a tier that a chain without this store has no use for are no mistake, since the chain may be another in
    /// each process. Those of one that nobody could know are likely to be misspelt.
    fn announce_idle_tiers(&self) {
        let own = |name: &str| self.0.stores.iter().any(|store| store.name() == name);
        for site in sites().iter().filter(|site| site.spec().backend.is_none()) {
            for tier in site.spec().tiers {
                let name = tier.store;
                if !own(name) && !["local", "moka"].contains(&name) && !environment::knows(name) {
                    tracing::warn!(
                        function = site.name(),
                        place = site.place(),
                        tier = name,
                        "a cached function has settings for a tier, and no store has this name"
                    );
                }
            }
        }
    }
}

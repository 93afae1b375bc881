//! `Caches`: the stores of a program and the state of its cached functions.
//!
//! `registry` knows every annotated function, `definition` what its types add; `builder` and `environment` make a `Caches`,
//! `mistakes` tells what cannot be one; `context` says which one is in force; `function` is what it keeps for one function.

mod build;
mod builder;
pub(crate) mod context;
pub(crate) mod definition;
mod environment;
pub(crate) mod function;
mod mistakes;
mod named;
pub(crate) mod patterns;
pub(crate) mod registry;

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

pub use self::builder::CachesBuilder;
use self::definition::{Definition, Untyped};
use self::function::Function;
use self::named::Named;
pub use self::named::{CacheBuilder, TierBuilder};
use self::registry::{Site, sites};
use crate::background::Background;
use crate::behind::{self, Report};
use crate::clock::Clock;
use crate::invalidate;
use crate::key::Glob;
use crate::resilience::{Failed, Guarded, Owned, generations};
use crate::stats::{CacheStats, Stats, StoreStats};
use crate::tier::stamps::Stripes;
use crate::{Error, ErrorKind};

/// How long [`Caches::settle`] and [`Caches::shutdown`] wait for a store that cannot be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// The stores of a program, and what its cached functions keep in them.
///
/// Cheap to clone; clones are the same `Caches`. One is in force wherever a cached function is called: the one of the
/// [`scope`](Caches::scope) the call runs in, else the [installed](Caches::install) one, else one that the first call
/// builds from the environment (see [`Caches::from_env`]).
#[derive(Clone)]
pub struct Caches(Arc<Inner>);

pub(crate) struct Inner {
    /// The namespace, escaped, and `:`; or nothing.
    prefix: Arc<str>,
    stores: Vec<Arc<Guarded>>,
    /// The same in the order in which a removal passes them.
    upwards: RwLock<Arc<[Arc<Guarded>]>>,
    /// What of their keys is this `Caches`' own.
    owned: Arc<Owned>,
    /// The chain of functions that name none.
    chain: Vec<String>,
    clock: Clock,
    stripes: Arc<Stripes>,
    /// By the number of the function's site.
    slots: Box<[Slot]>,
    named: Named,
    background: Background,
    closed: AtomicBool,
    on_failed_write: Option<Report>,
    /// Why the environment it was to be made from cannot be used: nothing is cached.
    unusable: Option<String>,
    /// It was asked for that nothing is cached.
    disabled: bool,
}

/// What is kept for one annotated function: a list that only grows, one link for each type of value that its
/// instantiations have, or for each of these if they have closures. Most functions have one.
#[derive(Default)]
struct Slot {
    here: OnceLock<(TypeId, Arc<Function>)>,
    next: OnceLock<Box<Slot>>,
}

impl Slot {
    fn functions(&self) -> impl Iterator<Item = Arc<Function>> {
        std::iter::successors(Some(self), |slot| slot.next.get().map(|next| &**next))
            .filter_map(|slot| slot.here.get())
            .map(|(_, function)| Arc::clone(function))
    }
}

impl Caches {
    /// A builder with no stores, no namespace and the chain `["local"]`.
    pub fn builder() -> CachesBuilder {
        CachesBuilder::new()
    }

    /// Builds one from the environment:
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `CACHE_BACKEND` | the chain of functions that name none, fastest first, by comma | `local,redis` if `REDIS_URL` is set, else `memcached` if `MEMCACHED_ADDR` is, else `local` |
    /// | `CACHE_BACKEND=none` | caching is off for the program: see [`CachesBuilder::disabled`] | |
    /// | `REDIS_URL` | the server of the store `redis` | none: there is no such store |
    /// | `MEMCACHED_ADDR` | the servers of the store `memcached`, by comma: `host[:port]` or the path of a socket file | none: there is no such store |
    /// | `CACHE_SQL_URL` | the database of the store `mysql`, `postgres` or `sqlite`, by its scheme | none: there is no such store |
    /// | `CACHE_NAMESPACE` | put before every key in remote stores | none |
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a value that cannot be used, naming the variable, and for all that
    /// [`CachesBuilder::build`] refuses. No server is asked and no file opened: one that is down is no error, nor one that
    /// refuses the password, the database or the path. [`Redis::connect`](crate::stores::Redis) and the other stores'
    /// `connect` ask.
    #[expect(clippy::unused_async, reason = "stores to come may have to be asked first")]
    pub async fn from_env() -> Result<Self, Error> {
        environment::from_env()
    }

    /// The one in force here; built from the environment if none is yet.
    pub fn current() -> Self {
        context::with(|caches, _| caches.clone())
    }

    /// Puts this one in force for the whole process, once and for good. What tests need is a [`scope`](Caches::scope).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if one is installed already, or was built by a first call.
    pub fn install(&self) -> Result<(), Error> {
        context::install(self)?;
        self.announce();
        Ok(())
    }

    /// Puts this one in force for `work` alone: for a test, or a tenant. Reaches what `work` awaits, not the tasks it
    /// spawns, which take it along: `tokio::spawn(caches.scope(work))`. Dropping the returned future drops `work`.
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        context::scope(self.clone(), work)
    }

    /// Removes the entry whose key is `text`, whichever function owns it, from memory and from every store. Returns
    /// when every store has removed it or its removal is queued for replay; dropping the future queues what is left. A write
    /// of it that waits under `write_behind` is run first, as by [`Entry::invalidate`](crate::Entry::invalidate).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`shutdown`](Caches::shutdown).
    pub async fn invalidate_key(&self, text: &str) -> Result<(), Error> {
        self.check_open()?;
        let mut failed = Failed::default();
        let removal = invalidate::by_text(self, text, &mut failed);
        behind::removing(|ahead| ahead.text(self, text), removal).await;
        Ok(())
    }

    /// Removes every entry whose key matches `glob` (`*`, `?`, `[a-z]`, `\` to escape, as Redis has them; `*` also
    /// matches `:`), and says how many there were: in memory or in a store, whichever held more. A key is matched whole,
    /// without the namespace: `user:*`. A store that fails counts nothing and has the removal queued for replay, and so has
    /// one that is yet to be asked when the future is dropped. Writes of such entries that wait under `write_behind` are run
    /// first, as by [`Entry::invalidate`](crate::Entry::invalidate).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`shutdown`](Caches::shutdown); [`ErrorKind::Unsupported`] if a store cannot find
    /// keys by pattern, as Memcached cannot, after the others have removed theirs.
    pub async fn invalidate_pattern(&self, glob: &str) -> Result<u64, Error> {
        self.check_open()?;
        let mut failed = Failed::default();
        let removal = invalidate::by_pattern(self, glob, false, &mut failed);
        behind::removing(|ahead| ahead.pattern(self, glob), removal).await
    }

    /// Removes every entry of this `Caches`: everything in the namespace, or, without one, every key that an annotated
    /// function of this program, or a cache that was made by name until now, could have written. In a store that cannot
    /// find keys by pattern nothing is deleted, and nothing that was there is read again. Writes that wait under
    /// `write_behind` are run first, as by [`Entry::invalidate`](crate::Entry::invalidate). A store that fails has the removal queued for replay, as
    /// [`StoreStats::pending_removals`] tells, and so has one that is yet to be asked when the future is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`shutdown`](Caches::shutdown).
    pub async fn clear(&self) -> Result<(), Error> {
        self.check_open()?;
        behind::removing(|ahead| ahead.everything(self), invalidate::everything(self)).await
    }

    /// What happened since this one was built, by cache and tier.
    pub fn stats(&self) -> Stats {
        let mut caches: Vec<CacheStats> = self.functions().map(|function| function.stats()).collect();
        caches.sort_by(|a, b| a.name.cmp(&b.name));
        let store = |store: &Arc<Guarded>| StoreStats {
            name: store.name().to_owned(),
            failures: store.failures(),
            down: store.is_down(),
            pending_removals: store.has_pending(),
        };
        let off = "it is off, as `CACHE_BACKEND=none` or `CachesBuilder::disabled` says";
        Stats {
            uncached: self
                .0
                .unusable
                .clone()
                .or(self.0.disabled.then(|| off.to_owned())),
            caches,
            stores: self.0.stores.iter().map(store).collect(),
        }
    }

    /// Waits until queued writes have run, for as long as it takes, background fills are in place and queued removals
    /// are delivered; for a store that cannot be reached, ten seconds at most (where there is no runtime with timers to
    /// count them, as long as it takes), and not at all for one that is owed nothing. Queued writes begin at once. What is
    /// under way goes on if this is dropped.
    ///
    /// Inside of a queued write, which it would wait for, it returns at once; in a task that such a write spawns and waits
    /// for it waits forever.
    pub async fn settle(&self) {
        if behind::is_inside_of(&self.0.background) {
            tracing::error!(
                "`settle` inside of a queued write would wait for that write itself: it does nothing there"
            );
            return;
        }
        self.write_pending().await;
        // Whoever was at it may have gone down with a runtime.
        let owed = self.0.stores.iter().filter(|store| store.has_pending());
        owed.for_each(|store| {
            tracing::info!(
                store = store.name(),
                "waiting for removals to be delivered, for ten seconds at most"
            );
            store.heal();
        });
        if !self.0.background.settle_within(PATIENCE).await {
            tracing::warn!("background work is not done: a store cannot be reached");
        }
    }

    /// Has all queued writes run, those that their bodies queue included.
    async fn write_pending(&self) {
        let is_pending =
            |function: &Arc<Function>| function.behind.as_ref().is_some_and(|behind| behind.len() > 0);
        while let Some(function) = self.functions().find(is_pending) {
            if !behind::drain(&function).await {
                return;
            }
        }
    }

    /// Settles, then closes the stores. From then on remote tiers are misses and explicit calls fail; memory serves on.
    /// What a writer makes out of date after that goes from memory alone: other processes may read it in the stores until
    /// it expires. Call it once the last writer has returned: a program that ends without it loses what is queued, writes
    /// under `write_behind` among it. Dropped while it settles, nothing is closed, and it may be called again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if removals could not be delivered: what they were about may be read, by other
    /// processes, until it expires. [`ErrorKind::Unsupported`], and nothing is done, inside of a queued write, which it would
    /// wait for.
    pub async fn shutdown(&self) -> Result<(), Error> {
        if behind::is_inside_of(&self.0.background) {
            let what = "`shutdown` inside of a queued write would wait for that write itself";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        self.settle().await;
        self.0.closed.store(true, SeqCst);
        // Whoever was accepted until then.
        self.write_pending().await;
        let undelivered: Vec<_> = self
            .0
            .stores
            .iter()
            .filter(|store| store.has_pending())
            .map(|store| store.name())
            .collect();
        for store in &self.0.stores {
            store.close().await;
        }
        if undelivered.is_empty() {
            return Ok(());
        }
        let what = format!("removals could not be delivered to: {}", undelivered.join(", "));
        Err(Error::new(ErrorKind::Unavailable, what))
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.0.closed.load(SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "this `Caches` has been shut down"));
        }
        Ok(())
    }

    /// What is kept for a function, made on its first call.
    #[inline]
    pub(crate) fn function<V>(&self, definition: &Definition<V>) -> &Arc<Function> {
        let slot = &self.0.slots[definition.site().index()];
        match slot.here.get() {
            Some((identity, function)) if *identity == definition.identity() => function,
            _ => self.find_or_build(slot, definition.identity(), definition.site(), definition),
        }
    }

    #[cold]
    fn find_or_build<'a>(
        &'a self,
        mut slot: &'a Slot,
        wanted: TypeId,
        site: &'static Site,
        definition: &dyn Untyped,
    ) -> &'a Arc<Function> {
        loop {
            let build = || (wanted, self.build_function(site, definition.hooks()));
            let (identity, function) = slot.here.get_or_init(build);
            if *identity == wanted {
                return function;
            }
            slot = slot.next.get_or_init(Box::default);
        }
    }

    /// Which caches a pattern means in stores that cannot find keys by pattern, by the name of their generation; `None` if
    /// nothing is known that it could mean, in any store, or there is no such store.
    pub(crate) fn meant_without_patterns(&self, pattern: &Glob) -> Option<Vec<String>> {
        if self.0.stores.iter().all(|store| store.has_patterns()) {
            return None;
        }
        let named = self.0.named.meant_without_patterns(pattern);
        let mut meant = sites()
            .iter()
            .filter(|site| patterns::may_match(&site.template(), pattern))
            .peekable();
        if meant.peek().is_none() {
            return named;
        }
        let is_blind = |name: &str| {
            let mut stores = self.0.stores.iter();
            stores.any(|store| store.name() == name && !store.has_patterns())
        };
        let blind = meant.filter(|site| self.chain_of(site.spec()).into_iter().any(is_blind));
        Some(
            blind
                .map(|site| generations::of_cache(&self.0.prefix, site.name()))
                .chain(named.unwrap_or_default())
                .collect(),
        )
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = Arc<Function>> {
        let annotated = self.0.slots.iter().flat_map(Slot::functions);
        annotated.chain(self.0.named.functions())
    }

    pub(crate) fn functions_of(&self, site: &'static Site) -> impl Iterator<Item = Arc<Function>> {
        self.0.slots[site.index()].functions()
    }

    /// The stores such that each chain's come after those below them, and one twice where two chains disagree.
    pub(crate) fn upwards(&self) -> Arc<[Arc<Guarded>]> {
        Arc::clone(&self.0.upwards.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on removals pass the stores of this chain too from the lowest up.
    fn pass_upwards(&self, chain: &[String]) {
        let mut upwards = self.0.upwards.write().unwrap_or_else(PoisonError::into_inner);
        let mut way = upwards.to_vec();
        let names = chain.iter().map(String::as_str);
        builder::lead_through(&mut way, &self.0.stores, names);
        if way.len() != upwards.len() {
            *upwards = way.into();
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }
}

impl AsRef<Caches> for Caches {
    fn as_ref(&self) -> &Caches {
        self
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores: Vec<_> = self.0.stores.iter().map(|store| store.name()).collect();
        f.debug_struct("Caches")
            .field("prefix", &self.0.prefix)
            .field("stores", &stores)
            .field("chain", &self.0.chain)
            .finish()
    }
}

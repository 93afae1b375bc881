//! How a cache is described that is made by name: the arguments of the attribute, as methods.

use std::any::TypeId;
use std::panic::Location;
use std::time::{Duration, SystemTime};

use super::settings::{Said, SaidOfTier, SaidRefresh, Ttl};
use crate::caches::Caches;
use crate::call::values::{Values, memory_values, remote_values};
use crate::hooks::{Capturing, Erased, Held, SharedValue, StoredValue};
use crate::kept::Wrapped;
use crate::{Cache, Codec, Error, Key, Strategy};

impl Caches {
    /// A cache without an annotated function: the same tiers, flights and invalidations, for code whose loads are not an
    /// `async fn` of their own. Its entries lie under `name:` and the [key](Cache::entry).
    ///
    /// Describe it, [`build`](CacheBuilder::build) it, and use its entries:
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # struct Db;
    /// # impl Db { async fn user(&self, id: u64) -> Option<String> { (id == 42).then(|| "Ada".to_owned()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let users: Cache<String> = caches.cache("users").ttl(Duration::from_secs(3600)).build()?;
    ///
    /// let user = users.entry(42).get_or_load(|| db.user(42)).await?;
    /// users.entry(42).invalidate().await?;
    /// # assert_eq!(user.as_deref(), Some("Ada"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Everything that this `Caches` does to its caches ([`clear`](Caches::clear), [`invalidate_key`](Caches::invalidate_key),
    /// [`invalidate_pattern`](Caches::invalidate_pattern), [`stats`](Caches::stats), [`settle`](Caches::settle),
    /// [`shutdown`](Caches::shutdown)) it does to this one too, from when it is built; it lives as long as the `Caches`.
    #[track_caller]
    pub fn cache<V>(&self, name: impl Into<String>) -> CacheBuilder<V> {
        CacheBuilder {
            caches: self.clone(),
            said: Said::new(name.into(), Location::caller()),
            closures: Capturing::NONE,
        }
    }
}

/// Settings of a cache that is made by name. Made by [`Caches::cache`].
///
/// They are those of [`cache`](macro@crate::cache), with its defaults. Closures may capture. Of a setting that is given
/// twice the last one counts.
///
/// # The same name again
///
/// To build a name again with the same settings and the same type of values gives the same cache, so a cache can be
/// built wherever it is used; anything else is an error. Settings are compared by what they come to, so that to spell out
/// a default makes no difference. Of closures the code is compared, not what it has captured: a closure is the same if
/// it is the same place in the program, and then the one of the first build stays.
#[must_use]
pub struct CacheBuilder<V> {
    caches: Caches,
    said: Said,
    closures: Capturing<V>,
}

impl<V> CacheBuilder<V> {
    /// Life of an entry after it was filled. Memory reads the system's coarse clock, which steps every 1 to 10 ms: by so much an
    /// entry may be served longer there. Default: until it is evicted or invalidated.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.said.ttl = Some(Ttl::Fixed(ttl));
        self.closures.ttl = None;
        self
    }

    /// The same, by the value. Zero: the value is not kept.
    pub fn ttl_with<F: Fn(&V) -> Duration + Send + Sync + 'static>(mut self, ttl: F) -> Self {
        self.said.ttl = Some(Ttl::OfValue(TypeId::of::<F>()));
        self.closures.ttl = Some(Box::new(ttl));
        self
    }

    /// The end of an entry's life, by the value; where there is a ttl too, whichever comes first. Default: none.
    pub fn expires_with<F: Fn(&V) -> SystemTime + Send + Sync + 'static>(mut self, expires: F) -> Self {
        self.said.expires = Some(TypeId::of::<F>());
        self.closures.expires = Some(Box::new(expires));
        self
    }

    /// Ends an entry that nobody has read for so long, however much of its ttl is left. Default: none.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.said.idle = Some(idle);
        self
    }

    /// A hit on an entry of this age or older loads it anew in the background, by the loader of
    /// [`get_or_reload`](crate::Entry::get_or_reload). Default: off.
    pub fn refresh(mut self, age: Duration) -> Self {
        self.said.refresh = Some(SaidRefresh::Age(age));
        self
    }

    /// The same from this part of the entry's ttl on, more than 0 and less than 1, in the place of an age. Default: off,
    /// and 0.8 under [`Strategy::RefreshAhead`].
    pub fn refresh_at(mut self, fraction: f64) -> Self {
        self.said.refresh = Some(SaidRefresh::Part(fraction));
        self
    }

    /// For so long after its ttl the old value is served at once, and loaded anew in the background, by the loader of
    /// [`get_or_reload`](crate::Entry::get_or_reload). Default: off.
    pub fn stale(mut self, stale: Duration) -> Self {
        self.said.stale = Some(stale);
        self
    }

    /// What becomes of an entry when its source is written by [`update`](crate::Entry::update), or by
    /// [`write_behind`](crate::Entry::write_behind). Default: [`Strategy::CacheAside`].
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # use cached_runtime::{Cache, Caches, Error, Strategy};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let caches = Caches::builder().build()?;
    /// let hour = Duration::from_secs(3600);
    /// // Written through, loaded anew from 48 minutes on, and served for an hour more if that fails.
    /// let users: Cache<String> = caches
    ///     .cache("users")
    ///     .ttl(hour)
    ///     .refresh_at(0.8)
    ///     .stale(hour)
    ///     .strategy(Strategy::WriteThrough)
    ///     .build()?;
    /// # assert_eq!(users.name(), "users");
    /// # Ok(())
    /// # }
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.said.strategy = strategy;
        self
    }

    /// How many writes of [`write_behind`](crate::Entry::write_behind) may wait, one at least: a full queue makes the next call
    /// wait, and drops nothing. Default: 10,000.
    pub fn queue(mut self, writes: usize) -> Self {
        self.said.queue = Some(writes);
        self
    }

    /// How often a run of a writer of [`write_behind`](crate::Entry::write_behind) that failed or panicked is repeated, after
    /// pauses of 100 ms that double up to 10 s, up to half of each left to chance. Default: 5.
    pub fn retries(mut self, retries: u32) -> Self {
        self.said.retries = Some(retries);
        self
    }

    /// How many writers of [`write_behind`](crate::Entry::write_behind) run at a time, one at least. Default: 16.
    pub fn concurrency(mut self, writers: usize) -> Self {
        self.said.concurrency = Some(writers);
        self
    }

    /// Up to this fraction, from 0 to less than 1, is taken off each ttl at random, so that entries filled together do not
    /// expire together. Default: 0.
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.said.jitter = Some(fraction);
        self
    }

    /// Keeps a `None` for this long. Default: a `None` is not kept.
    pub fn none_ttl(mut self, ttl: Duration) -> Self {
        self.said.none_ttl = Some(ttl);
        self
    }

    /// Keeps only values for which this holds. Default: all.
    pub fn cache_if<F: Fn(&V) -> bool + Send + Sync + 'static>(mut self, keep: F) -> Self {
        self.said.cache_if = Some(TypeId::of::<F>());
        self.closures.cache_if = Some(Box::new(keep));
        self
    }

    /// The chain: store names, fastest first, memory first of all. Default: that of the `Caches`.
    pub fn backend<N: Into<String>>(mut self, chain: impl IntoIterator<Item = N>) -> Self {
        self.said.backend = Some(chain.into_iter().map(Into::into).collect());
        self
    }

    /// Settings of one tier of the chain, for instance `.tier("local", |tier| tier.ttl(minute))`. Default: the cache's own.
    pub fn tier(
        mut self,
        store: impl Into<String>,
        settings: impl FnOnce(TierBuilder) -> TierBuilder,
    ) -> Self {
        let tier = settings(TierBuilder(SaidOfTier::new(store.into())));
        self.said.tiers.push(tier.0);
        self
    }

    /// The most entries in memory. Default: 10,000, unless `max_bytes` is given.
    pub fn capacity(mut self, entries: u64) -> Self {
        self.said.capacity = Some(entries);
        self
    }

    /// The most bytes in memory, as [`weight`](Self::weight) counts them. Default: memory is bounded by entries.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.said.max_bytes = Some(bytes);
        self
    }

    /// The bytes of an entry, for [`max_bytes`](Self::max_bytes), each of which needs the other: of the cache, or of its tier in
    /// memory. Default: none, and memory is bounded by entries.
    pub fn weight<F: Fn(&Key, &V) -> u64 + Send + Sync + 'static>(mut self, weight: F) -> Self {
        self.said.weight = Some(TypeId::of::<F>());
        self.closures.weight = Some(Box::new(weight));
        self
    }

    /// Whether concurrent misses of a key share one load. Default: `true`.
    pub fn single_flight(mut self, shared: bool) -> Self {
        self.said.single_flight = shared;
        self
    }

    /// How remote stores see the value. Default: `bincode`.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.said.codec = Some(codec);
        self
    }

    /// Entries of another version in remote stores are misses. Default: 0.
    pub fn version(mut self, version: u32) -> Self {
        self.said.version = Some(version);
        self
    }

    /// Compresses values from this many bytes on, in remote stores. Default: off.
    pub fn compress(mut self, bytes: usize) -> Self {
        self.said.compress = Some(bytes);
        self
    }

    /// The cache of this name, made now or [the same](CacheBuilder#the-same-name-again) as before.
    ///
    /// Of values that are `Clone + Send + Sync + 'static` and, since the chain may be remote, `Serialize +
    /// DeserializeOwned`. Where they are not the latter, see [`build_in_memory`](Self::build_in_memory).
    ///
    /// # Errors
    ///
    /// One error of kind [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) that lists everything: a name that is
    /// empty, has control characters, or is that of a cached function or of another cache; a key template, `name:{}`, that a
    /// cached function has; a chain with an unknown store, with memory below another store, or without any store; settings
    /// that go with nothing (`max_bytes` without `weight`, `jitter`, `stale` or a part of it without a ttl, those of a tier
    /// that is not in `backend`, `queue`, `retries` or `concurrency` under another strategy than `WriteBehind`) or that come too
    /// late to do anything (a `refresh` past the `ttl`); a writer that removes by a pattern what a store keeps that cannot find keys by pattern.
    pub fn build<S, R>(self) -> Result<Cache<V>, Error>
    where
        V: Clone + 'static + SharedValue<S> + StoredValue<R>,
    {
        self.made(remote_values::<V, S, Held, _>(Wrapped), false)
    }

    /// [`build`](Self::build) for values that never leave the process and need no `serde`: the chain is memory, `local` unless
    /// [`backend`](Self::backend) names another engine, whatever that of the `Caches` is.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and for a `backend` that is more than memory.
    pub fn build_in_memory<S>(self) -> Result<Cache<V>, Error>
    where
        V: Clone + 'static + SharedValue<S>,
    {
        self.made(memory_values::<V, S, _>(Wrapped), true)
    }

    fn made(self, values: Values<V>, memory_only: bool) -> Result<Cache<V>, Error>
    where
        V: 'static,
    {
        let Self {
            caches,
            said,
            closures,
        } = self;
        let hooks = move || Erased {
            remote: values.remote,
            ..closures.erased(values.see)
        };
        let function = caches.make::<V>(&said, memory_only, hooks)?;
        Ok(Cache::named(caches, function, values.ways))
    }
}

/// Settings of one tier, in [`CacheBuilder::tier`].
#[must_use]
pub struct TierBuilder(SaidOfTier);

impl TierBuilder {
    /// The longest life of an entry in this tier. Default: the cache's own.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.0.ttl = Some(ttl);
        self
    }

    /// The most entries, in a memory tier. Default: the cache's own.
    pub fn capacity(mut self, entries: u64) -> Self {
        self.0.capacity = Some(entries);
        self
    }

    /// The most bytes, in a memory tier. Default: the cache's own.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.0.max_bytes = Some(bytes);
        self
    }
}

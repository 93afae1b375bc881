//! What the companions of a cached function return: a handle on one entry, and one on the whole cache.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::caches::Caches;
use crate::caches::function::{Function, Plan};
use crate::caches::registry::{Definition, Site};
use crate::call::Load;
use crate::call::values::Ways;
use crate::entry::Content;
use crate::hooks::CacheValue;
use crate::key::{Key, KeyBuf};
use crate::stats::CacheStats;
use crate::tier::memory::Probe;
use crate::{Error, fill, invalidate};

/// One entry of a cached function, present or not.
///
/// Made by the function's companion, `get_user_entry(42)`, without looking anything up. It belongs to the `Caches`
/// that was in force when it was made. Its methods work on the cache whatever the [`Mode`](crate::Mode) in force; all
/// fail with [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Caches::shutdown`].
pub struct Entry<V> {
    caches: Caches,
    function: Arc<Function>,
    key: Key,
    hash: u64,
    ways: fn() -> Ways<V>,
}

impl<V> Entry<V> {
    pub(crate) fn new(caches: Caches, definition: Definition<V>, key: &KeyBuf) -> Self {
        let function = Arc::clone(caches.function(&definition));
        let key = Key::new(Arc::clone(&function.template), key);
        let hash = crate::key::hash(key.as_bytes());
        Self {
            caches,
            function,
            key,
            hash,
            ways: definition.ways(),
        }
    }

    /// The key. Displays as its full text, without the namespace.
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn parts(&self) -> (&Arc<Function>, &Key) {
        (&self.function, &self.key)
    }

    fn probe(&self) -> Probe<'_> {
        Probe {
            hash: self.hash,
            bytes: self.key.as_bytes(),
        }
    }
}

impl<V: CacheValue> Entry<V> {
    /// Looks in every tier, and copies what a lower one has into those above. Never loads. `None` if there is no
    /// entry, or if it says that the source has no value. A store that cannot be reached is a miss.
    pub async fn get(&self) -> Result<Option<V>, Error> {
        self.caches.check_open()?;
        let found = Load::aside(Arc::clone(&self.function), self.probe()).await;
        Ok(found.and_then(|content| ((self.ways)().read)(&content)))
    }

    /// Puts `value` in every tier, for the function's own ttl. Where `cache_if` refuses it, the entry is removed: what
    /// was there is out of date.
    ///
    /// Loads in progress are revoked. A put that overlaps another put or an invalidation of this entry becomes a
    /// removal. Dropped midway, some tiers may have the value.
    ///
    /// # Errors
    ///
    /// Of kind `Encode` if the value cannot be turned into bytes, in which case the entry is removed; `Unavailable` or `Store` if a store does not take it,
    /// in which case the entry is removed from that store, now or by replay, and the other tiers have the value.
    pub async fn insert(&self, value: V) -> Result<(), Error> {
        self.caches.check_open()?;
        match self.function.plan(Some(&value)) {
            Some(plan) => self.put(value, plan).await,
            None => self.invalidate().await,
        }
    }

    /// The same for `ttl` instead of the function's own, and without asking `cache_if`.
    pub async fn insert_for(&self, value: V, ttl: Duration) -> Result<(), Error> {
        self.caches.check_open()?;
        if ttl.is_zero() {
            return self.invalidate().await;
        }
        self.put(value, Plan::of_value(self.function.spec, Some(ttl)))
            .await
    }

    async fn put(&self, value: V, plan: Plan) -> Result<(), Error> {
        if self.function.disabled {
            return Ok(());
        }
        fill::put(
            &self.function,
            self.probe(),
            Content::Value(((self.ways)().share)(value)),
            plan,
        )
        .await
    }

    /// Removes the entry from every tier. When this returns no value loaded before is served or stored in this
    /// process; a store that cannot be reached has its removal queued and is not read for this entry meanwhile.
    /// Dropped midway, what is left is queued.
    pub async fn invalidate(&self) -> Result<(), Error> {
        self.caches.check_open()?;
        invalidate::entry(&self.function, self.probe()).await;
        Ok(())
    }

    /// How long the entry stays fresh in the fastest tier that has it: `None` if none has, zero if it is served as
    /// `stale` allows, [`Duration::MAX`] if it has no end.
    pub async fn remaining_ttl(&self) -> Result<Option<Duration>, Error> {
        self.caches.check_open()?;
        if let Some(left) = self
            .function
            .memory
            .as_ref()
            .and_then(|memory| memory.remaining(self.probe()))
        {
            return Ok(Some(left));
        }
        let key = self.function.full_key(self.key.as_bytes());
        for remote in &self.function.remotes {
            if let Ok(Some(left)) = remote.remaining(&key).await {
                let stale = self.function.spec.stale.unwrap_or_default();
                return Ok(Some(
                    left.map_or(Duration::MAX, |left| left.saturating_sub(stale)),
                ));
            }
        }
        Ok(None)
    }
}

impl<V> fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("cache", &self.function.name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The cache of a cached function: all its entries, those of every instantiation if it is generic.
///
/// Made by the function's companion, `get_user_cache()`. It belongs to the `Caches` that was in force when it was made.
pub struct Cache<V> {
    caches: Caches,
    site: &'static Site,
    value: PhantomData<fn() -> V>,
}

impl<V> Cache<V> {
    pub(crate) fn new(caches: Caches, definition: Definition<V>) -> Self {
        // Made now, so that its statistics are there, at zero, before the first call.
        caches.function(&definition);
        Self {
            caches,
            site: definition.site(),
            value: PhantomData,
        }
    }

    /// Its name, as in statistics and reports.
    pub fn name(&self) -> &str {
        self.site.name()
    }

    fn functions(&self) -> Vec<Arc<Function>> {
        self.caches.functions_of(self.site).collect()
    }

    /// Removes every entry from every tier, and nothing of other caches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Caches::shutdown`]; `Store` if a store refuses, after the
    /// others have removed theirs.
    pub async fn clear(&self) -> Result<(), Error> {
        self.caches.check_open()?;
        invalidate::cache(&self.functions()).await
    }

    /// Removes the entries whose key matches `glob`, as [`Caches::invalidate_pattern`] does, and nothing of other
    /// caches. Says how many there were: in memory or in a store, whichever held more.
    ///
    /// # Errors
    ///
    /// As [`clear`](Cache::clear), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if a store cannot find keys
    /// by pattern, as Memcached cannot, after the others have removed theirs.
    pub async fn invalidate_pattern(&self, glob: &str) -> Result<u64, Error> {
        self.caches.check_open()?;
        invalidate::cache_pattern(&self.functions(), glob).await
    }

    /// What happened since the start.
    pub fn stats(&self) -> CacheStats {
        let mut instantiations = self.functions().into_iter().map(|function| function.stats());
        let first = instantiations.next().unwrap_or_default();
        instantiations.fold(first, CacheStats::plus)
    }

    pub(crate) fn parts(&self) -> (&Caches, &'static Site) {
        (&self.caches, self.site)
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

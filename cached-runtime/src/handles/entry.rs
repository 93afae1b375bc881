//! One entry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::astray;
use crate::behind;
use crate::caches::definition::Definition;
use crate::caches::function::{Function, Plan};
use crate::caches::{Caches, context};
use crate::call::share::Share;
use crate::call::values::Ways;
use crate::call::{self, Load, Loadable, Loader};
use crate::entry::Content;
use crate::fill::Put;
use crate::hooks::CacheValue;
use crate::key::{Key, KeyBuf};
use crate::policy::Mode;
use crate::resilience::Failed;
use crate::tier::memory::Probe;
use crate::{Error, invalidate};

/// One entry of a cache, present or not.
///
/// Made by the companion of a cached function, `get_user_entry(42)`, or by [`Cache::entry`](crate::Cache::entry), without
/// looking anything up. It belongs to the `Caches` that was in force when it was made. Its methods work on the cache
/// whatever the [`Mode`] in force, and fail with [`ErrorKind::Closed`](crate::ErrorKind::Closed) after
/// [`Caches::shutdown`], and with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where
/// [`Cache::entry`](crate::Cache::entry) has made it of a cached function. Only
/// [`get_or_load`](Entry::get_or_load) and [`get_or_reload`](Entry::get_or_reload) are calls as that of a cached function
/// is, and [`update`](Entry::update) and [`write_behind`](Entry::write_behind) as that of a writer under
/// [`#[update]`](macro@crate::update). Cheap to clone.
pub struct Entry<V> {
    caches: Caches,
    function: Arc<Function>,
    key: Key,
    hash: u64,
    ways: fn() -> Ways<V>,
    /// No call of the function it is taken to be of has this key.
    astray: bool,
}

impl<V> Entry<V> {
    pub(crate) fn new(caches: Caches, definition: Definition<V>, key: &KeyBuf) -> Self {
        let function = Arc::clone(caches.function(&definition));
        Self::of(caches, function, definition.ways(), key)
    }

    pub(super) fn of(caches: Caches, function: Arc<Function>, ways: fn() -> Ways<V>, key: &KeyBuf) -> Self {
        let key = Key::new(Arc::clone(&function.template), key);
        let hash = crate::key::hash(key.as_bytes());
        Self {
            caches,
            function,
            key,
            hash,
            ways,
            astray: false,
        }
    }

    /// The same, if this key is of no call of the function.
    pub(super) fn astray_if(self, astray: bool) -> Self {
        Self { astray, ..self }
    }

    fn check(&self) -> Result<(), Error> {
        self.caches.check_open()?;
        self.check_key()
    }

    /// That some call has this key.
    pub(super) fn check_key(&self) -> Result<(), Error> {
        if self.astray {
            return Err(astray(&self.function));
        }
        Ok(())
    }

    /// Whose it is, and its key with the hash of it.
    pub(crate) fn place(&self) -> (&Arc<Function>, u64, &[u8]) {
        (&self.function, self.hash, self.key.as_bytes())
    }

    /// For a batch, which does not care when the source is written: see [`BehindEntry`](crate::BehindEntry).
    #[doc(hidden)]
    #[must_use]
    pub fn for_batch(self) -> Self {
        self
    }

    /// The key. Displays as its full text, without the namespace.
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn parts(&self) -> (&Arc<Function>, &Key) {
        (&self.function, &self.key)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.caches.check_open().is_ok()
    }

    pub(crate) fn ways(&self) -> fn() -> Ways<V> {
        self.ways
    }

    pub(super) fn probe(&self) -> Probe<'_> {
        Probe {
            hash: self.hash,
            bytes: self.key.as_bytes(),
        }
    }
}

impl<V> Entry<V> {
    /// The value of this entry: from a tier, from a load of the same key that is under way, or by running `loader` and
    /// storing what it brings, just as a call of a cached function does with its body. However many ask at the same
    /// time, one loader runs; it runs in its caller's task, so it may borrow. The [`Mode`] in force counts.
    ///
    /// A loader of a `Cache<V>` returns one of these, and the caller gets:
    ///
    /// | loader | answer | kept |
    /// |---|---|---|
    /// | `V` | `Result<V, Error>` | the value |
    /// | `Option<V>` | `Result<Option<V>, Error>` | the value; a `None` under `none_ttl` |
    /// | `Result<V, E>` | the same | the value; never an `Err` |
    /// | `Result<Option<V>, E>` | the same | the value; a `None` under `none_ttl` |
    ///
    /// Under `refresh` or `stale` what is due is served as to a call, and not loaded anew: a loader that borrows cannot run
    /// in the background. One that does not can, see [`get_or_reload`](Entry::get_or_reload).
    ///
    /// A cache that fails is a miss and never an error: an `Err` is the loader's own, and an answer in a `Result` of
    /// [`Error`] is always `Ok`, so that `?` reads the same behind every loader.
    ///
    /// # Errors
    ///
    /// What `loader` returns. Whoever waited for a loader that failed runs his own, 32 at a time, since nothing is asked
    /// of `E`; [`get_or_load_with`](Entry::get_or_load_with) shares the error instead. A loader written in place names
    /// the type of its error: `Ok::<_, DbError>(user)`.
    ///
    /// # Cancellation
    ///
    /// If the caller whose loader runs is dropped or panics, one of those who wait runs his own at once. A loader that
    /// asks for its own entry is not waited for: the inner call loads past the cache.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # use std::time::Duration;
    /// # struct Db;
    /// # impl Db { async fn user(&self, id: u64) -> Result<String, std::io::Error> { Ok(format!("user {id}")) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let users: Cache<String> = caches.cache("users").ttl(Duration::from_secs(3600)).build()?;
    /// let user = users.entry(42).get_or_load(|| async { db.user(42).await }).await?;
    /// assert_eq!(user, "user 42");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_load<R, const K: u8>(&self, loader: impl Loader<R>) -> R::Answer
    where
        R: Loadable<V, K>,
    {
        self.load(Share::NOT, loader).await.answer()
    }

    /// [`get_or_load`](Entry::get_or_load) where those who wait for a loader that fails get its error, made by `share`:
    /// `DbError::clone`, or a closure that captures nothing, as `share_error` of [`cache`](macro@crate::cache) is. The
    /// caller whose loader ran gets the error itself.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let caches = Caches::builder().build()?;
    /// # async fn user(id: u64) -> Result<String, String> { Err(format!("no user {id}")) }
    /// let users: Cache<String> = caches.cache("users").build()?;
    /// let user = users.entry(42).get_or_load_with(String::clone, || user(42)).await;
    /// assert_eq!(user.unwrap_err(), "no user 42");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_load_with<R, const K: u8>(
        &self,
        share: fn(&R::Error) -> R::Error,
        loader: impl Loader<R>,
    ) -> R::Answer
    where
        R: Loadable<V, K, Error: Send + 'static>,
    {
        self.load(Share::custom(share), loader).await.answer()
    }

    async fn load<R, const K: u8>(&self, share: Share<R::Error>, loader: impl AsyncFnOnce() -> R) -> R
    where
        R: Loadable<V, K>,
    {
        call::load(
            &self.function,
            self.mode(),
            self.probe(),
            self.ways,
            share,
            loader,
        )
        .await
    }

    /// How a call with this key is to be treated.
    pub(super) fn mode(&self) -> Mode {
        if self.astray {
            tracing::error!(error = %astray(&self.function), "a loader runs past the cache");
            return Mode::Off;
        }
        context::mode()
    }
}

impl<V: CacheValue> Entry<V> {
    /// Looks in every tier, and copies what a lower one has into those above. Never loads. `None` if there is no
    /// entry, or if it says that the source has no value. A store that cannot be reached is a miss: there
    /// are no errors but those of every method. May be dropped.
    pub async fn get(&self) -> Result<Option<V>, Error> {
        self.check()?;
        let found = Load::aside(Arc::clone(&self.function), self.probe()).await;
        Ok(found.and_then(|content| ((self.ways)().read)(content)))
    }

    /// Puts `value` in every tier, for the cache's own ttl. Where `cache_if` refuses it, the entry is removed: what
    /// was there is out of date.
    ///
    /// Loads in progress are revoked. A put that overlaps another put or an invalidation of this entry becomes a
    /// removal. Dropped midway, some tiers may have the value. A write that waits under `write_behind` comes after it:
    /// reads see the value of that one, which is put once the source has it.
    ///
    /// # Errors
    ///
    /// Of kind `Encode` if the value cannot be turned into bytes, in which case the entry is removed; `Unavailable` or
    /// `Store` if a store does not take it, in which case the entry is removed from that store, now or by replay, and the
    /// other tiers have the value.
    pub async fn insert(&self, value: V) -> Result<(), Error> {
        self.check()?;
        match self.function.plan(Some(&value)) {
            Some(plan) => self.put(value, plan).await,
            None => self.invalidate().await,
        }
    }

    /// [`insert`](Entry::insert) for `ttl` instead of the cache's own, and without asking `cache_if`. Zero removes the entry.
    pub async fn insert_for(&self, value: V, ttl: Duration) -> Result<(), Error> {
        self.check()?;
        if ttl.is_zero() {
            return self.invalidate().await;
        }
        self.put(value, Plan::of_value(&self.function.spec, Some(ttl)))
            .await
    }

    async fn put(&self, value: V, plan: Plan) -> Result<(), Error> {
        if self.function.disabled {
            return Ok(());
        }
        let put = Put::begin(&self.function, self.probe()).await;
        let content = Content::Value(((self.ways)().share)(value));
        put.end(content, plan, &mut Failed::default()).await
    }

    /// Removes the entry from every tier. When this returns no value loaded before is served or stored in this
    /// process; a store that cannot be reached has its removal queued and is not read for this entry meanwhile.
    /// Dropped midway, what is left is queued. There are no errors but those of every method.
    ///
    /// A write of this entry that waits under `write_behind` is run first, and waited for, its retries included: the source
    /// has it, or it has failed for good, before the entry is removed. Not inside of the body of such a write, which might wait for
    /// itself, nor inside of a load, which it might wait for. Dropped meanwhile, the write still runs, and the removal does not wait for it.
    pub async fn invalidate(&self) -> Result<(), Error> {
        self.check()?;
        let mut failed = Failed::default();
        let removal = invalidate::remove(&self.function, self.probe(), &mut failed);
        behind::removing(|ahead| ahead.entry(&self.function, self.key.as_bytes()), removal).await;
        Ok(())
    }

    /// How long the entry stays fresh in the fastest tier that has it: `None` if none has, zero if it is served as
    /// `stale` allows, [`Duration::MAX`] if it has no end. A store that cannot be reached has none:
    /// there are no errors but those of every method.
    pub async fn remaining_ttl(&self) -> Result<Option<Duration>, Error> {
        self.check()?;
        if self.function.disabled {
            return Ok(None);
        }
        if let Some(left) = self
            .function
            .memory
            .as_ref()
            .and_then(|memory| memory.remaining(self.probe()))
        {
            return Ok(Some(left));
        }
        let Some(form) = self.function.form(true) else {
            return Ok(None);
        };
        let key = self.function.full_key(self.key.as_bytes());
        for remote in &self.function.remotes {
            if let Ok(Some(left)) = remote.remaining(&key, &form).await {
                return Ok(Some(left.unwrap_or(Duration::MAX)));
            }
        }
        Ok(None)
    }
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self {
            caches: self.caches.clone(),
            function: Arc::clone(&self.function),
            key: self.key.clone(),
            ..*self
        }
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

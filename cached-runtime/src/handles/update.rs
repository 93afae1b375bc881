//! Writers of an entry's source, as functions under `#[update]` are.

use std::any::TypeId;
use std::fmt::Display;
use std::future::Future;

use super::Entry;
use crate::behind::{self, By};
use crate::caches::function::Function;
use crate::call::output::Shape;
use crate::hooks::CacheValue;
use crate::invalidate::{self, When, Writer};
use crate::policy::Strategy;
use crate::{Error, ErrorKind};

impl<V: CacheValue> Entry<V> {
    /// Runs `writer`, which gives the source the new `value`, and then does with this entry what the cache's
    /// [`strategy`](crate::CacheBuilder::strategy) says, as [`#[update]`](macro@crate::update) does around a function:
    ///
    /// | strategy | the entry, once `writer` has returned `Ok` |
    /// |---|---|
    /// | [`CacheAside`](Strategy::CacheAside), [`RefreshAhead`](Strategy::RefreshAhead) | is removed from every tier: the next read loads |
    /// | [`WriteThrough`](Strategy::WriteThrough) | gets `value` in every tier, for its ttl from then on; it is removed where `cache_if` refuses it |
    /// | [`WriteBehind`](Strategy::WriteBehind) | is not written like this: see [`write_behind`](Entry::write_behind) |
    ///
    /// After an `Err` of `writer` nothing is done. Writers of one entry that overlap, from before the one began until the
    /// other has put its value, in this process or in another, leave no value at all, so that cache and source cannot end in
    /// different orders. A store that does not take the value has the entry removed, now or by replay. After
    /// [`Caches::shutdown`](crate::Caches::shutdown) `writer` runs all the same.
    ///
    /// # Errors
    ///
    /// The inner `Result` is that of `writer`. The outer one is an error of kind [`ErrorKind::Unsupported`], before `writer`
    /// has begun, under `WriteBehind`, whose pending writes this one would come before, and for an entry that
    /// [`Cache::entry`](crate::Cache::entry) has made of a cached function. So `??` where either may be returned.
    ///
    /// # Cancellation
    ///
    /// Dropped, or if `writer` panics, once `writer` has begun: the entry is removed, since nobody knows what the source has.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Strategy};
    /// # struct Db;
    /// # impl Db { async fn save(&self, id: u64, name: &str) -> Result<(), std::io::Error> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let names: Cache<String> = caches.cache("names").strategy(Strategy::WriteThrough).build()?;
    /// let name = "Ada".to_owned();
    /// names.entry(42).update(name.clone(), || db.save(42, &name)).await??;
    /// assert_eq!(names.entry(42).get().await?, Some(name));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update<T, E>(
        &self,
        value: V,
        writer: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Result<T, E>, Error> {
        self.check_key()?;
        check_written(self.parts().0, false)?;
        let mut steps = Writer::new(When::After);
        let updated = steps.update_any(self);
        if steps.wants(updated) {
            steps.set(updated, value);
        }
        // Called where it is polled, so that what it does before its first await is the writer's too.
        let body = async move { writer().await };
        Ok(invalidate::write(Shape::<_, 2>::NEW, steps, body).await)
    }

    /// Gives this entry of a cache under [`Strategy::WriteBehind`] its new `value`, in every tier and for every read, and
    /// returns; `writer` gives it to the source later, as the body of a function under
    /// `#[update(.., strategy = "write_behind")]` does: a tenth of a second later, or more when the source is slow, one
    /// after the other for a key, in order, and at most 16 at a time for the cache
    /// ([`concurrency`](crate::CacheBuilder::concurrency)). It must do the same whenever it is called: one that fails or panics
    /// is called again up to 5 times ([`retries`](crate::CacheBuilder::retries)), after pauses of 100 ms that double up to 10 s,
    /// up to a half of each left to chance.
    ///
    /// `value` is one that the cache keeps: that there is none any more (a `None`) cannot be written so.
    ///
    /// Of the writes of a key that wait, a newer one takes the place of an older one by the same `writer`, which is one of the
    /// same type: a closure is told by its place in the program. So one place writes the whole value, or always the
    /// same part of it. At most 10,000 wait for a cache ([`queue`](crate::CacheBuilder::queue)); a full queue makes the next call
    /// wait, and drops nothing.
    ///
    /// A write that has failed for good is logged, with `E` as it displays itself, counted and told to
    /// [`CachesBuilder::on_failed_write`](crate::CachesBuilder::on_failed_write), and its entry is removed.
    /// [`Caches::settle`](crate::Caches::settle) and [`Caches::shutdown`](crate::Caches::shutdown) run what is pending first;
    /// a process that ends without them loses it. After a shutdown and outside of a tokio runtime with timers `writer` runs
    /// before this returns, unless something older of this entry is pending.
    ///
    /// # Errors
    ///
    /// The inner `Result` is that of `writer` where it has run before this returns, and `Ok(())` otherwise. The outer one is
    /// an error of kind [`ErrorKind::Unsupported`], and nothing is written, under any other strategy, and for an entry that
    /// [`Cache::entry`](crate::Cache::entry) has made of a cached function.
    ///
    /// # Cancellation
    ///
    /// Dropped while it waits for room, nothing is written; dropped after that, the source gets the value and the tiers may
    /// not.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Strategy};
    /// # #[derive(Clone)]
    /// # struct Db;
    /// # impl Db { async fn save(&self, id: u64, name: String) -> Result<(), std::io::Error> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let names: Cache<String> = caches.cache("names").strategy(Strategy::WriteBehind).build()?;
    /// let name = "Ada".to_owned();
    /// let writer = {
    ///     let (db, name) = (db.clone(), name.clone());
    ///     move || {
    ///         let (db, name) = (db.clone(), name.clone()); // each run has its own
    ///         async move { db.save(42, name).await }
    ///     }
    /// };
    /// names.entry(42).write_behind(name.clone(), writer).await??;
    /// assert_eq!(names.entry(42).get().await?, Some(name));
    /// caches.shutdown().await?; // the source has it
    /// # Ok(())
    /// # }
    /// ```
    pub async fn write_behind<W, F, E>(&self, value: V, writer: W) -> Result<Result<(), E>, Error>
    where
        W: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        self.check_key()?;
        check_written(self.parts().0, true)?;
        let returned = behind::returned(Shape::<_, 2>::NEW);
        let by = By::Closure(TypeId::of::<W>());
        let entry = self.clone();
        Ok(behind::write_behind_by(by, returned, entry, value, E::to_string, writer).await)
    }
}

/// That the source of these entries is written later, or is not.
pub(super) fn check_written(function: &Function, later: bool) -> Result<(), Error> {
    let name = &function.name;
    let what = match (function.spec.strategy == Strategy::WriteBehind, later) {
        (true, false) => format!(
            "the source of `{name}` is written later, under `write_behind`, and what is pending would come after this \
             `update`: use `write_behind` of its entries"
        ),
        (false, true) => format!(
            "the source of `{name}` is not written later, since its strategy is not `write_behind`: use `update`, or \
             give it that strategy"
        ),
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Unsupported, what))
}

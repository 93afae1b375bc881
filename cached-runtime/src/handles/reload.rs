//! Loads of an entry that may be loaded anew in the background.

use std::future::Future;

use super::Entry;
use crate::call::share::Share;
use crate::call::{self, Loadable};

impl<V> Entry<V> {
    /// [`get_or_load`](Entry::get_or_load) with a loader that borrows nothing: where `refresh` or `stale` has a hit loaded
    /// anew, the hit is returned at once and `loader` runs in the background, as the body of a cached function does. It runs
    /// here on a miss, there for a hit that is due, and not at all for any other.
    ///
    /// In the background it runs once per key and at most 32 at a time for a cache, not counting those that have been under way
    /// for a minute, under the `Caches` that is in force here. One that fails leaves the entry as it is, and is not tried again
    /// for ten times as long as it took, or until the entry has another value by this process. Outside of a tokio runtime none is
    /// started.
    ///
    /// # Errors
    ///
    /// What `loader` returns where it runs here; in the background nobody is told, and the log has the type of the error. Of those who wait for one that failed, in
    /// either place, each runs his own; [`get_or_reload_with`](Entry::get_or_reload_with) shares the error instead.
    ///
    /// # Cancellation
    ///
    /// As of [`get_or_load`](Entry::get_or_load); what has begun in the background goes on.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # use std::time::Duration;
    /// # #[derive(Clone)]
    /// # struct Db;
    /// # impl Db { async fn user(&self, id: u64) -> Result<String, std::io::Error> { Ok(format!("user {id}")) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let hour = Duration::from_secs(3600);
    /// let users: Cache<String> = caches.cache("users").ttl(hour).refresh_at(0.8).stale(hour).build()?;
    /// let db = db.clone();
    /// let user = users.entry(42).get_or_reload(move || async move { db.user(42).await }).await?;
    /// assert_eq!(user, "user 42");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_reload<R, F, const K: u8>(
        &self,
        loader: impl FnOnce() -> F + Send + 'static,
    ) -> R::Answer
    where
        R: Loadable<V, K> + 'static,
        F: Future<Output = R> + Send + 'static,
        V: Send,
    {
        self.load_aging(Share::NOT, loader).await.answer()
    }

    /// [`get_or_reload`](Entry::get_or_reload) where those who wait for a loader that fails get its error, made by `share` as
    /// in [`get_or_load_with`](Entry::get_or_load_with).
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let caches = Caches::builder().build()?;
    /// # async fn user(id: u64) -> Result<String, String> { Err(format!("no user {id}")) }
    /// let users: Cache<String> = caches.cache("users").refresh(Duration::from_secs(60)).build()?;
    /// let user = users.entry(42).get_or_reload_with(String::clone, || user(42)).await;
    /// assert_eq!(user.unwrap_err(), "no user 42");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_reload_with<R, F, const K: u8>(
        &self,
        share: fn(&R::Error) -> R::Error,
        loader: impl FnOnce() -> F + Send + 'static,
    ) -> R::Answer
    where
        R: Loadable<V, K, Error: Send + 'static> + 'static,
        F: Future<Output = R> + Send + 'static,
        V: Send,
    {
        self.load_aging(Share::custom(share), loader).await.answer()
    }

    async fn load_aging<R, F, const K: u8>(
        &self,
        share: Share<R::Error>,
        loader: impl FnOnce() -> F + Send + 'static,
    ) -> R
    where
        R: Loadable<V, K> + 'static,
        F: Future<Output = R> + Send + 'static,
        V: Send,
    {
        let (function, _) = self.parts();
        call::load_aging(function, self.mode(), self.probe(), self.ways(), share, loader).await
    }
}

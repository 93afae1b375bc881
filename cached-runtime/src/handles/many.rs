//! Many entries of a cache at once: to look for, to load, and to write.

use std::future::Future;
use std::sync::Arc;

use super::sought::Place;
use super::update::check_written;
use super::{Cache, EntryOf};
use crate::Error;
use crate::caches::context;
use crate::call::output::Shape;
use crate::call::share::Share;
use crate::call::{self, LoadableMany};
use crate::hooks::CacheValue;
use crate::invalidate::{self, Each, When, Writer};
use crate::key::{KeyBytes, KeyPart};
use crate::policy::Mode;

impl<V> Cache<V> {
    /// The values of several entries, in the order of their keys, as [`Entry::get`](crate::Entry::get) finds each: one round
    /// trip to each store for all keys that no tier above it has (one to each server that holds some of them), and copies of
    /// what a lower tier has into those above. Never loads: see [`get_or_load_many`](Cache::get_or_load_many). In a list and
    /// not in a map, so that a key need be neither hashed nor cloned, and as Redis answers `MGET`: `zip` it with the keys.
    ///
    /// Of a cache made by name by keys, anything that is a [`KeyPart`]; of any cache by its entries, which for a cached
    /// function its companion makes of arguments: `get_user_cache().get_many(ids.iter().map(|id| get_user_entry(id)))`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Caches::shutdown`](crate::Caches::shutdown);
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a key of the cache of a cached function, and for an entry
    /// of another cache. A store that cannot be reached is a miss.
    ///
    /// # Cancellation
    ///
    /// May be dropped: nothing is changed but that some of what was found is copied up, and no call waits for it.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let caches = Caches::builder().build()?;
    /// let users: Cache<String> = caches.cache("users").build()?;
    /// users.entry(1).insert("Ada".to_owned()).await?;
    /// assert_eq!(users.get_many([1, 2]).await?, [Some("Ada".to_owned()), None]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_many<P: EntryOf<V>>(
        &self,
        keys: impl IntoIterator<Item = P>,
    ) -> Result<Vec<Option<V>>, Error> {
        let places: Result<Vec<Place>, Error> = keys.into_iter().map(|key| self.place(&key)).collect();
        self.whole().caches.check_open()?;
        let places = places?;
        let mut found: Vec<Option<V>> = places.iter().map(|_| None).collect();
        let read = (self.ways())().read;
        // Of those that are left those of one function: more than one have only the entries of a generic one.
        let mut left: Vec<usize> = (0..places.len()).collect();
        while let Some((function, _)) = left.first().map(|first| &places[*first]) {
            let (these, others): (Vec<usize>, Vec<usize>) = left
                .iter()
                .partition(|place| Arc::ptr_eq(&places[**place].0, function));
            let keys: Vec<KeyBytes> = these.iter().map(|place| places[*place].1.clone()).collect();
            for (place, content) in these.into_iter().zip(call::get_many(function, &keys).await) {
                found[place] = content.and_then(read);
            }
            left = others;
        }
        Ok(found)
    }

    /// The values of several entries, in the order of `ids`: from a tier, from loads of the same keys that are under way, and by
    /// running `loader` for those that nobody has, as a batch does, `#[cache(entries(get_user(id) for id in ids))]`. Each tier is
    /// asked once for all that those above it did not have, `loader` is given exactly the ids that are left, each once, in the
    /// order in which they came, and what it brings is stored in one request for each tier. Ids that
    /// [`get_or_load`](crate::Entry::get_or_load) or another such call is loading are waited for and not loaded again. The
    /// [`Mode`] in force counts.
    ///
    /// `loader` runs in its caller's task, so it may borrow, `async |ids| ..`. Since it may run twice, one that owns what it uses
    /// is not `async move |ids| ..` but `move |ids| { let db = db.clone(); async move { .. } }`.
    ///
    /// A loader of a `Cache<V>` returns pairs of ids and values, in a `HashMap`, a `Vec` or an iterator, say, or a `Result` of
    /// them. An id that it leaves out has no value: it is `None` in the answer, and kept as such under `none_ttl`. Where the ids
    /// are borrowed, the pairs may have them in their owned form: `String` for `&str`, `u64` for `&u64`.
    ///
    /// | loader | answer |
    /// |---|---|
    /// | `HashMap<Id, V>`, `impl Iterator<Item = (Id, V)>`, .. | `Result<Vec<Option<V>>, Error>`, always `Ok` |
    /// | a `Result` of these with an error `E` | `Result<Vec<Option<V>>, E>` |
    ///
    /// Under `refresh` or `stale` what is due is served, and not loaded anew.
    ///
    /// Of a cache made by name: for the cache of a cached function `loader` runs past the cache, with all ids. Annotate a batch
    /// there.
    ///
    /// # Errors
    ///
    /// What `loader` returns: nothing of that run is kept. It may run a second time, for ids that somebody else has failed
    /// to load. Whoever waited for a loader that failed runs his own, since nothing is asked of `E`;
    /// [`get_or_load_many_with`](Cache::get_or_load_many_with) shares the error instead.
    ///
    /// # Cancellation
    ///
    /// Dropped or panicking while `loader` runs, each of its ids is loaded by one of those who wait for it, at once.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Error};
    /// # use std::collections::HashMap;
    /// # struct Db;
    /// # impl Db {
    /// #     async fn users(&self, ids: &[u64]) -> Result<HashMap<u64, String>, std::io::Error> {
    /// #         Ok(ids.iter().filter(|id| **id < 3).map(|id| (*id, format!("user {id}"))).collect())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let users: Cache<String> = caches.cache("users").build()?;
    /// users.entry(1).insert("Ada".to_owned()).await?;
    /// // One query, for 2 and 9.
    /// let found = users.get_or_load_many([1, 2, 9], async |ids| db.users(&ids).await).await?;
    /// assert_eq!(found, [Some("Ada".to_owned()), Some("user 2".to_owned()), None]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_load_many<Id, F, R, W, const K: u8>(
        &self,
        ids: impl IntoIterator<Item = Id>,
        loader: impl FnMut(Vec<Id>) -> F,
    ) -> R::Answer
    where
        Id: KeyPart + Clone,
        F: Future<Output = R>,
        R: LoadableMany<Id, V, W, K>,
        V: 'static,
    {
        let ids = ids.into_iter().collect();
        R::answer(self.load_many(Share::NOT, ids, loader).await)
    }

    /// [`get_or_load_many`](Cache::get_or_load_many) where those who wait for a loader that fails get its error, made by
    /// `share` as in [`get_or_load_with`](crate::Entry::get_or_load_with), be they calls for one entry or for many.
    pub async fn get_or_load_many_with<Id, F, R, W, const K: u8>(
        &self,
        share: fn(&R::Error) -> R::Error,
        ids: impl IntoIterator<Item = Id>,
        loader: impl FnMut(Vec<Id>) -> F,
    ) -> R::Answer
    where
        Id: KeyPart + Clone,
        F: Future<Output = R>,
        R: LoadableMany<Id, V, W, K, Error: Send + 'static>,
        V: 'static,
    {
        let ids = ids.into_iter().collect();
        R::answer(self.load_many(Share::custom(share), ids, loader).await)
    }

    async fn load_many<Id, F, R, W, const K: u8>(
        &self,
        share: Share<R::Error>,
        ids: Vec<Id>,
        loader: impl FnMut(Vec<Id>) -> F,
    ) -> Result<Vec<Option<V>>, R::Error>
    where
        Id: KeyPart + Clone,
        F: Future<Output = R>,
        R: LoadableMany<Id, V, W, K>,
        V: 'static,
    {
        let whole = self.whole();
        let mode = if whole.site.is_some() {
            tracing::error!(error = %super::astray(&whole.function), "a loader runs past the cache");
            Mode::Off
        } else {
            context::mode()
        };
        call::load_many(&whole.function, mode, self.ways(), share, ids, loader).await
    }
}

impl<V: CacheValue> Cache<V> {
    /// Runs `writer`, which gives the source new values of several entries, and then does with each what
    /// [`update`](crate::Entry::update) does with one, in as few requests for each store as their number allows: under
    /// [`CacheAside`](crate::Strategy::CacheAside) one removes up to a thousand, under
    /// [`WriteThrough`](crate::Strategy::WriteThrough) one stores as many, once each key has been claimed. As
    /// `#[update(entries(get_user(user.id) = user.clone() for user in users))]` does around a function.
    ///
    /// Of values of one key the last counts. What overlaps another writer is judged entry by entry: the others are not touched
    /// by it. Without values `writer` runs, and nothing else happens.
    ///
    /// Of a cache made by name by keys, of any cache by its entries, as in [`get_many`](Cache::get_many).
    ///
    /// # Errors
    ///
    /// The inner `Result` is that of `writer`. The outer one is an error of kind [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), before `writer`
    /// has begun, under [`WriteBehind`](crate::Strategy::WriteBehind), for a key of the cache of a cached function, and for an
    /// entry of another cache. So `??` where either may be returned.
    ///
    /// # Cancellation
    ///
    /// Dropped, or if `writer` panics, once `writer` has begun: the entries are removed, since nobody knows what the source
    /// has.
    ///
    /// ```standalone_crate
    /// # use cached_runtime::{Cache, Caches, Strategy};
    /// # struct Db;
    /// # impl Db { async fn save(&self, rows: &[(u64, String)]) -> Result<(), std::io::Error> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (caches, db) = (Caches::builder().build()?, Db);
    /// let names: Cache<String> = caches.cache("names").strategy(Strategy::WriteThrough).build()?;
    /// let rows = vec![(1, "Ada".to_owned()), (2, "Grace".to_owned())];
    /// names.update_many(rows.clone(), || db.save(&rows)).await??;
    /// assert_eq!(names.entry(2).get().await?.as_deref(), Some("Grace"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_many<P: EntryOf<V>, T, E>(
        &self,
        values: impl IntoIterator<Item = (P, V)>,
        writer: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Result<T, E>, Error> {
        check_written(&self.whole().function, false)?;
        let values = values
            .into_iter()
            .map(|(key, value)| Ok((self.place(&key)?, value)));
        let values: Vec<(Place, V)> = values.collect::<Result<_, Error>>()?;
        let mut steps = Writer::new(When::After);
        let each = Each::of(values.iter().collect(), |((function, key), _)| {
            (Arc::clone(function), key.clone(), self.ways())
        });
        let updated = steps.add_each(each, None);
        steps.set_each(updated, |(_, value)| value.clone());
        drop(values);
        // Called where it is polled, so that what it does before its first await is the writer's too.
        let body = async move { writer().await };
        Ok(invalidate::write(Shape::<_, 2>::NEW, steps, body).await)
    }
}

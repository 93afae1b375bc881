//! A batch with a loader in the place of an annotated body: what `get_or_load_many` of a cache does.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use super::answers::Sorting;
use super::{Batch, IdOf, Keys, Step, Steps, listed};
use crate::Error;
use crate::caches::function::Function;
use crate::call::output::{Loaded, Output};
use crate::call::share::Share;
use crate::call::values::Ways;
use crate::entry::Content;
use crate::key::{self, KeyBuf, KeyPart};
use crate::policy::Mode;

/// What a loader of many values `V` may return: their pairs with the ids, in a map, a list or an iterator, or a `Result` of
/// that.
///
/// The ids in it are those that the loader was given, or their owned form: `String` where it was given a `&str`. Which of the two
/// shapes it is is found out by the compiler, since `V` is known; nobody else can implement this.
#[diagnostic::on_unimplemented(
    message = "a loader of many entries of a `Cache<{V}>` cannot return `{Self}`",
    label = "no pairs of `{Id}` and `{V}`",
    note = "return a `HashMap<K, {V}>`, or whatever else gives out such pairs, or a `Result` of it",
    note = "the keys in it are the ids, or their owned form: `String` where the ids are `&str`; an id without a value is left out"
)]
pub trait LoadableMany<Id, V, W, const K: u8>: Output<K> {
    /// What the caller gets: the values in the order of the ids, in a `Result` of this crate's error where the loader cannot
    /// fail.
    type Answer;

    /// What of it is whose.
    #[doc(hidden)]
    fn sort(pairs: Self::Value, ids: &[&Id]) -> Vec<Option<V>>;

    /// The same as the caller gets it.
    #[doc(hidden)]
    fn answer(values: Result<Vec<Option<V>>, Self::Error>) -> Self::Answer;
}

impl<Id, V, M, P, W> LoadableMany<Id, V, W, 0> for M
where
    M: IntoIterator<Item = (P, V)>,
    Id: IdOf<P, W>,
    P: Eq + Hash,
{
    type Answer = Result<Vec<Option<V>>, Error>;

    fn sort(pairs: M, ids: &[&Id]) -> Vec<Option<V>> {
        sort(pairs, ids)
    }

    fn answer(values: Result<Vec<Option<V>>, Self::Error>) -> Self::Answer {
        values.map_err(|never| match never {})
    }
}

impl<Id, V, M, P, W, E> LoadableMany<Id, V, W, 2> for Result<M, E>
where
    M: IntoIterator<Item = (P, V)>,
    Id: IdOf<P, W>,
    P: Eq + Hash,
{
    type Answer = Result<Vec<Option<V>>, E>;

    fn sort(pairs: M, ids: &[&Id]) -> Vec<Option<V>> {
        sort(pairs, ids)
    }

    fn answer(values: Self::Answer) -> Self::Answer {
        values
    }
}

fn sort<Id: IdOf<P, W>, V, P: Eq + Hash, W>(
    pairs: impl IntoIterator<Item = (P, V)>,
    ids: &[&Id],
) -> Vec<Option<V>> {
    let mut sorting = Sorting::of(ids);
    for (key, value) in pairs {
        sorting.put(&key, || value);
    }
    sorting.sorted
}

/// The values of `ids`, in their order, from the tiers and from others' loads, and from `loader` for what nobody has, as
/// a call of an annotated batch gets them from its body.
pub(crate) async fn load_many<R, F, Id, V, W, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    ways: fn() -> Ways<V>,
    share: Share<R::Error>,
    ids: Vec<Id>,
    mut loader: impl FnMut(Vec<Id>) -> F,
) -> Result<Vec<Option<V>>, R::Error>
where
    R: LoadableMany<Id, V, W, K>,
    F: Future<Output = R>,
    Id: KeyPart + Clone,
    V: 'static,
{
    let mut keys = Keys::default();
    for id in &ids {
        let mut key = KeyBuf::new();
        key.part(id);
        keys.add(function, key::hash(key.as_bytes()), key.as_bytes());
    }
    let (ids, places) = keys.distinct(ids);
    let (keys, steps) = Steps::begin(keys.finish(), mode);
    let mut batch: Batch<R, K, Vec<Id>, Id, Vec<Id>, V, Vec<usize>> = Batch {
        list: listed(&ids),
        steps,
        keys,
        share,
        ways: Some(ways),
        sort: R::sort,
        answers: places,
    };
    loop {
        let returned = match batch.turn().await {
            Step::Load => {
                let missing = batch.missing(&ids);
                // Called where it is polled, so that what it does before its first await is the load's too.
                let returned = batch.run(Box::pin(async { loader(missing).await })).await;
                batch.brought(&ids, returned)
            }
            Step::Done => return Ok(batch.values(ways)),
            Step::Failed(returned) => Some(returned),
        };
        match returned.map(R::split) {
            None => {}
            Some(Ok(Loaded::Value(pairs))) => return Ok(batch.past(&ids, pairs, ways)),
            // No shape of a batch.
            Some(Ok(Loaded::Absent(_))) => return Ok(batch.values(ways)),
            Some(Err((error, _))) => return Err(error),
        }
    }
}

impl<R: Output<K>, const K: u8, Id, V> Batch<R, K, Vec<Id>, Id, Vec<Id>, V, Vec<usize>> {
    /// What has been found and loaded.
    fn values(mut self, ways: fn() -> Ways<V>) -> Vec<Option<V>> {
        let contents = match &mut self.steps {
            Steps::Cached { stage, .. } => {
                let slots = stage.many().map(|many| many.slots.iter_mut());
                slots
                    .into_iter()
                    .flatten()
                    .map(|slot| slot.content.take())
                    .collect()
            }
            Steps::Uncached => Vec::new(),
        };
        self.placed(contents, ways)
    }

    /// What the loader has brought past the cache.
    fn past(self, ids: &[Id], pairs: R::Value, ways: fn() -> Ways<V>) -> Vec<Option<V>> {
        let ids: Vec<&Id> = ids.iter().collect();
        let values = (self.sort)(pairs, &ids).into_iter();
        let contents = values.map(|value| value.map(|value| Content::Value((ways().share)(value))));
        self.placed(contents.collect(), ways)
    }

    /// For each id what there is for its entry: a copy where another id is about the same one.
    fn placed(self, contents: Vec<Option<Content>>, ways: fn() -> Ways<V>) -> Vec<Option<V>> {
        let Ways { read, take, .. } = ways();
        let mut contents: Vec<(Option<Content>, usize)> =
            contents.into_iter().map(|content| (content, 0)).collect();
        for place in &self.answers {
            if let Some((_, wanted)) = contents.get_mut(*place) {
                *wanted += 1;
            }
        }
        let value = |place: usize| {
            let (content, wanted) = contents.get_mut(place)?;
            *wanted -= 1;
            if *wanted == 0 {
                content.take().and_then(take)
            } else {
                content.clone().and_then(read)
            }
        };
        self.answers.into_iter().map(value).collect()
    }
}

//! What a batch returns, and how it goes with the ids and with the entries.
//!
//! Every demand on a type is made once, by [`Asked::answers`], which the expansion has at the words of the return type. What
//! carries on from there asks for nothing.

use std::collections::HashMap;
use std::hash::Hash;

use super::Asked;
use crate::call::output::{Output, Shape};
use crate::hooks::{Held, NeverHeld, NoType};

/// A return type with room for the answer to each id.
#[diagnostic::on_unimplemented(
    message = "a batch returns a map from ids to values, and this is `{Self}`",
    label = "does not say which value is whose",
    note = "return a `HashMap<K, V>`, a `BTreeMap<K, V>`, or whatever else is made of pairs and can be taken apart into them, such as a `Vec<(K, V)>`",
    note = "an id without a value is left out of it"
)]
pub trait Pairs<K, V, H>: Sized {
    /// Puts it together.
    fn of(pairs: &mut dyn Iterator<Item = (K, V)>) -> Self;
    /// Takes it apart.
    fn each(self, see: &mut dyn FnMut(K, V));
}

#[diagnostic::do_not_recommend]
impl<M, K, V> Pairs<K, V, Held> for M
where
    M: FromIterator<(K, V)> + IntoIterator<Item = (K, V)>,
{
    fn of(pairs: &mut dyn Iterator<Item = (K, V)>) -> Self {
        pairs.collect()
    }

    fn each(self, see: &mut dyn FnMut(K, V)) {
        self.into_iter().for_each(|(key, value)| see(key, value));
    }
}

#[diagnostic::do_not_recommend]
impl<M, K, V> Pairs<K, V, NeverHeld> for M
where
    M: FromIterator<(K, V)> + IntoIterator<Item = (K, V)> + NoType,
{
    fn of(pairs: &mut dyn Iterator<Item = (K, V)>) -> Self {
        pairs.collect()
    }

    fn each(self, _: &mut dyn FnMut(K, V)) {}
}

/// The value of an entry, as the map has it: itself.
#[diagnostic::on_unimplemented(
    message = "the entries of this batch hold `{V}`, and the returned map holds `{Self}`",
    label = "no map of what the cached function keeps",
    note = "the values of the map are those that the cached function returns inside of `Result` and `Option`"
)]
pub trait OfEntry<V>: Sized {
    /// Into the map.
    fn put(value: V) -> Self;
    /// Out of the map.
    fn take(self) -> V;
}

#[diagnostic::do_not_recommend]
impl<V> OfEntry<V> for V {
    fn put(value: V) -> V {
        value
    }

    fn take(self) -> V {
        self
    }
}

/// An id that a map has as `K`: as it is, or in its owned form. `W` keeps the two apart.
#[diagnostic::on_unimplemented(
    message = "the ids of this batch are of type `{Self}`, and the returned map has keys of type `{K}`",
    label = "does not say which value is whose",
    note = "the keys of the map are the ids, or their owned form: `String` where the ids are `&str`"
)]
pub trait IdOf<K, W> {
    /// The key of the map.
    fn key(&self) -> K;
}

/// An id that is the key itself.
pub struct AsItIs;
/// An id that borrows what the key owns.
pub struct Owned;
/// What no key is. While it could be, the compiler does not conclude the type of the keys from that of the ids, but looks for
/// it in the map, and so can name both where they differ.
pub struct Neither;

#[diagnostic::do_not_recommend]
impl<T: Clone> IdOf<T, AsItIs> for T {
    fn key(&self) -> T {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<B: ToOwned + ?Sized> IdOf<B::Owned, Owned> for &B {
    fn key(&self) -> B::Owned {
        (**self).to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Into<K>, K: NoType> IdOf<K, Neither> for T {
    fn key(&self) -> K {
        self.clone().into()
    }
}

/// A key by which the answer of the body is told apart.
#[diagnostic::on_unimplemented(
    message = "the ids of a batch must be `Eq + Hash`, and `{Self}` is not",
    label = "cannot be found again in what the body returned",
    note = "derive `PartialEq`, `Eq` and `Hash` for it"
)]
pub trait MapKey<H>: Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<K: Eq + Hash> MapKey<Held> for K {}
#[diagnostic::do_not_recommend]
impl<K: Eq + Hash + NoType> MapKey<NeverHeld> for K {}

/// The return types of batches: a map, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "a batch returns a map, or a `Result` of one",
    label = "an `Option` of a map",
    note = "an id without a value is left out of the map: return an empty one where there are none"
)]
pub trait BatchShape {}

impl<R> BatchShape for Shape<R, 0> {}
impl<R> BatchShape for Shape<R, 2> {}

/// What the body brought for each of these ids, in their order.
pub(super) type Sort<M, Id, V> = fn(M, &[&Id]) -> Vec<Option<V>>;
/// The map of these. An id that is there twice is once in it.
type Join<M, Id, V> = fn(Vec<(&Id, V)>) -> M;
/// Which of the ids are the same for the map as the first of their row.
type Tell<Id> = fn(&Id, &Id) -> bool;

/// How a map `M` answers ids of type `Id` with values of type `V`.
pub struct Answers<M, Id, V> {
    pub(super) sort: Sort<M, Id, V>,
    pub(super) join: Join<M, Id, V>,
    pub(super) same: Tell<Id>,
}

impl<M, Id, V> Clone for Answers<M, Id, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, Id, V> Copy for Answers<M, Id, V> {}

impl<I: ?Sized, Id, S, V> Asked<I, Id, S, V> {
    /// How what a function of this shape returns answers what was asked. A method, so that the compiler knows what the
    /// entries hold before it looks at the map, and does not conclude it from there.
    pub fn answers<R, const N: u8, K, P, H, W, G>(&self, _: Shape<R, N>) -> Answers<R::Value, Id, V>
    where
        R: Output<N>,
        Shape<R, N>: BatchShape,
        R::Value: Pairs<K, P, H>,
        P: OfEntry<V>,
        Id: IdOf<K, W>,
        K: MapKey<G>,
    {
        Answers {
            sort: |map, ids| {
                let mut sorting = Sorting::of(ids);
                map.each(&mut |key, value| sorting.put(&key, || value.take()));
                sorting.sorted
            },
            join: |pairs| {
                let mut pairs = pairs.into_iter().map(|(id, value)| (map_key(id), P::put(value)));
                R::Value::of(&mut pairs)
            },
            same: |one, other| map_key::<_, K, W>(one) == map_key(other),
        }
    }
}

/// The values of ids, in their order, as a map gives them out in its own.
pub(super) struct Sorting<K, V> {
    places: HashMap<K, usize>,
    pub(super) sorted: Vec<Option<V>>,
}

impl<K: Eq + Hash, V> Sorting<K, V> {
    pub(super) fn of<Id: IdOf<K, W>, W>(ids: &[&Id]) -> Self {
        let places = ids.iter().zip(0_usize..);
        Self {
            places: places.map(|(id, place)| (map_key(*id), place)).collect(),
            sorted: ids.iter().map(|_| None).collect(),
        }
    }

    pub(super) fn put(&mut self, key: &K, value: impl FnOnce() -> V) {
        // What was not asked for is nobody's.
        let place = self.places.get(key);
        if let Some(place) = place.and_then(|place| self.sorted.get_mut(*place)) {
            *place = Some(value());
        }
    }
}

fn map_key<T: IdOf<K, W>, K, W>(id: &T) -> K {
    id.key()
}

/// An argument that the body can be given twice.
#[diagnostic::on_unimplemented(
    message = "a batch may have to run its body once more, and `{Self}` is not `Clone`",
    label = "is used up by the first run",
    note = "when a load of somebody else, which the batch waited for, has failed, the batch loads those ids itself",
    note = "take a reference, or derive `Clone`"
)]
pub trait Again: Clone {}

impl<T: Clone> Again for T {}

/// An argument for one run of the body.
pub fn again<T: Again>(argument: &T) -> T {
    argument.clone()
}

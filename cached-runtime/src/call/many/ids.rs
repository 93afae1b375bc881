//! What the ids of a batch may come in.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

/// A list of ids, of which some can be asked for alone.
#[diagnostic::on_unimplemented(
    message = "a batch cannot take its ids as `{Self}`",
    label = "the body is called with those ids that are in no tier, in a list of the same type",
    note = "take `&[T]`, `Vec<T>`, `&Vec<T>`, a `VecDeque`, a `HashSet` or a `BTreeSet`, of ids that are `Clone`"
)]
pub trait Ids {
    /// One of them.
    type Id: Clone;
    /// Some of them.
    type Some;

    /// All of them, in their order.
    fn all(&self) -> Vec<&Self::Id>;
    /// A list of these.
    fn some(ids: Vec<Self::Id>) -> Self::Some;
}

/// What a batch does with its ids: `I` is the list, `Id` one of them, `S` a list of some.
pub struct Listed<I: ?Sized, Id, S> {
    pub(super) all: for<'i> fn(&'i I) -> Vec<&'i Id>,
    pub(super) some: fn(Vec<Id>) -> S,
    pub(super) copy: fn(&Id) -> Id,
}

impl<I: ?Sized, Id, S> Clone for Listed<I, Id, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I: ?Sized, Id, S> Copy for Listed<I, Id, S> {}

/// The one place that asks whether the ids are in a list that a batch can take.
pub fn listed<I: Ids + ?Sized>(_: &I) -> Listed<I, I::Id, I::Some> {
    Listed {
        all: I::all,
        some: I::some,
        copy: I::Id::clone,
    }
}

impl<T: Clone> Ids for [T] {
    type Id = T;
    type Some = Vec<T>;

    fn all(&self) -> Vec<&T> {
        self.iter().collect()
    }

    fn some(ids: Vec<T>) -> Vec<T> {
        ids
    }
}

macro_rules! lists {
    ($($list:ty: $($generics:ident $(: $bound:ident $(+ $more:ident)*)?),+;)+) => {
        $(
            impl<$($generics $(: $bound $(+ $more)*)?),+> Ids for $list {
                type Id = T;
                type Some = Self;

                fn all(&self) -> Vec<&T> {
                    self.iter().collect()
                }

                fn some(ids: Vec<T>) -> Self {
                    ids.into_iter().collect()
                }
            }
        )+
    };
}

lists! {
    Vec<T>: T: Clone;
    VecDeque<T>: T: Clone;
    BTreeSet<T>: T: Clone + Ord;
    HashSet<T, S>: T: Clone + Eq + Hash, S: BuildHasher + Default;
}

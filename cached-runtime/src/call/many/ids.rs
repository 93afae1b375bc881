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

//! What the ids of a batch may come in.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

/// A list of items, each of which has an entry.
#[diagnostic::on_unimplemented(
    message = "a batch cannot take its items as `{Self}`",
    label = "not a list that a batch knows",
    note = "take `&[T]`, `Vec<T>`, `&Vec<T>`, a `VecDeque`, a `HashSet` or a `BTreeSet`"
)]
pub trait Items<T> {
    /// All of them, in their order.
    fn items(&self) -> Vec<&T>;
}

impl<T, const N: usize> Items<T> for [T; N] {
    fn items(&self) -> Vec<&T> {
        self.iter().collect()
    }
}

/// The items of a writer's list.
pub fn items<I: Items<T> + ?Sized, T>(list: &I) -> Vec<&T> {
    list.items()
}

/// A list of ids, of which some can be asked for alone.
#[diagnostic::on_unimplemented(
    message = "a batch cannot take its ids as `{Self}`",
    label = "the body is called with those ids that are in no tier, in a list of the same type",
    note = "take `&[T]`, `Vec<T>`, `&Vec<T>`, a `VecDeque`, a `HashSet` or a `BTreeSet`, of ids that are `Clone`"
)]
pub trait Ids<T, S> {
    /// All of them, in their order.
    fn all(&self) -> Vec<&T>;
    /// A list of these.
    fn some(ids: Vec<T>) -> S;
    /// One more of this one.
    fn copy(id: &T) -> T;
}

/// What a batch does with its ids: `I` is the list, `T` one of them, `S` a list of some.
pub struct Listed<I: ?Sized, T, S> {
    pub(super) all: for<'i> fn(&'i I) -> Vec<&'i T>,
    pub(super) some: fn(Vec<T>) -> S,
    pub(super) copy: fn(&T) -> T,
}

/// The one place that asks whether the ids are in a list that a batch can take.
pub fn listed<I: Ids<T, S> + ?Sized, T, S>(_: &I) -> Listed<I, T, S> {
    Listed {
        all: I::all,
        some: I::some,
        copy: I::copy,
    }
}

macro_rules! lists {
    ($($list:ty as $some:ty: $($generics:ident: $bound:ident $(+ $more:ident)*),+;)+) => {
        $(
            impl<$($generics),+> Items<T> for $list {
                fn items(&self) -> Vec<&T> {
                    self.iter().collect()
                }
            }

            impl<$($generics: $bound $(+ $more)*),+> Ids<T, $some> for $list {
                fn all(&self) -> Vec<&T> {
                    self.iter().collect()
                }

                fn some(ids: Vec<T>) -> $some {
                    ids.into_iter().collect()
                }

                fn copy(id: &T) -> T {
                    id.clone()
                }
            }
        )+
    };
}

lists! {
    [T] as Vec<T>: T: Clone;
    Vec<T> as Self: T: Clone;
    VecDeque<T> as Self: T: Clone;
    BTreeSet<T> as Self: T: Clone + Ord;
    HashSet<T, S> as Self: T: Clone + Eq + Hash, S: BuildHasher + Default;
}

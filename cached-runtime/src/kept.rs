//! How a value is shared by those who keep it.
//!
//! In an `Arc` of ours; or, where the value is an `Arc` itself, as that: an `Arc` of an `Arc` would take an allocation
//! more for each entry and cost each hit a step more. Which of the two is found out where the function is expanded, by
//! method look-up, and is the same for every instantiation of it.

use std::any::Any;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use crate::entry::Shared;
use crate::hooks::CacheValue;

/// A way to share values of type `V`. Its methods, and not the trait, ask for what the type must be, so that a type that
/// is not is reported where that is asked first.
pub trait Way<V> {
    /// The value as it is kept.
    #[doc(hidden)]
    fn share(value: V) -> Shared
    where
        V: CacheValue;

    /// A clone of what is kept.
    #[doc(hidden)]
    fn copy(shared: &Shared) -> Option<V>
    where
        V: CacheValue;

    /// The same, from what was taken along for this alone: an `Arc` need not be cloned again.
    #[doc(hidden)]
    fn read(shared: Shared) -> Option<V>
    where
        V: CacheValue,
    {
        Self::copy(&shared)
    }

    /// What is kept, by one who has no more use for it: without a clone, if nobody else has it or it is an `Arc`.
    #[doc(hidden)]
    fn take(shared: Shared) -> Option<V>
    where
        V: CacheValue;

    /// Lets `look` see what is kept.
    #[doc(hidden)]
    fn see(shared: &Shared, look: &mut dyn FnMut(&V))
    where
        V: CacheValue;
}

/// In an `Arc` of ours; as an `Option`, so that the last who has it can take it out.
pub struct Wrapped;

impl<V> Way<V> for Wrapped {
    #[inline(never)]
    fn share(value: V) -> Shared
    where
        V: CacheValue,
    {
        Arc::new(Some(value))
    }

    fn copy(shared: &Shared) -> Option<V>
    where
        V: CacheValue,
    {
        inside::<Option<V>>(shared)?.clone()
    }

    fn take(mut shared: Shared) -> Option<V>
    where
        V: CacheValue,
    {
        // Not out of the `Arc`: that would have the compiler make a good deal more for every type.
        match alone(&mut shared) {
            Some(value) => value.downcast_mut::<Option<V>>()?.take(),
            None => Self::copy(&shared),
        }
    }

    fn see(shared: &Shared, look: &mut dyn FnMut(&V))
    where
        V: CacheValue,
    {
        if let Some(Some(value)) = shared.downcast_ref::<Option<V>>() {
            look(value);
        }
    }
}

/// What nobody else has.
fn alone(shared: &mut Shared) -> Option<&mut (dyn Any + Send + Sync)> {
    Arc::get_mut(shared)
}

/// Whether what is shared has the table of methods that a `T` has here: then it is one, and no call is needed to say so. One that
/// was shared elsewhere may have another table, and is asked for the name of its type.
///
/// Behind a comparison with a constant the compiler knows what the table says, so that a downcast asks nothing: a sixth of a hit
/// among a hundred keys, a twelfth among ten thousand. Each unit that a crate is compiled in has tables of its own. So what shares
/// values and what takes them out are functions of one module, which is one unit, and what shares is inlined nowhere else.
#[inline]
fn is_at_sight<T: Send + Sync + 'static>(shared: &Shared) -> bool {
    let it: *const (dyn Any + Send + Sync) = Arc::as_ptr(shared);
    let as_t: *const (dyn Any + Send + Sync) = it.cast::<T>();
    ptr::eq(it, as_t)
}

/// The same where values are taken out.
#[cfg(test)]
#[inline(never)]
fn is_at_sight_here<T: Send + Sync + 'static>(shared: &Shared) -> bool {
    is_at_sight::<T>(shared)
}

/// What is shared, if it is a `T`.
fn inside<T: Send + Sync + 'static>(shared: &Shared) -> Option<&T> {
    if !is_at_sight::<T>(shared) {
        return inside_named(shared);
    }
    shared.downcast_ref()
}

#[cold]
#[inline(never)]
fn inside_named<T: 'static>(shared: &Shared) -> Option<&T> {
    shared.downcast_ref()
}

/// The same, taken along.
fn whole<T: Send + Sync + 'static>(shared: Shared) -> Option<Arc<T>> {
    if !is_at_sight::<T>(&shared) {
        return whole_named(shared);
    }
    shared.downcast().ok()
}

#[cold]
#[inline(never)]
fn whole_named<T: Send + Sync + 'static>(shared: Shared) -> Option<Arc<T>> {
    shared.downcast().ok()
}

/// An `Arc`, as it is.
pub struct AsItIs;

impl<T: Send + Sync + 'static> Way<Arc<T>> for AsItIs {
    #[inline(never)]
    fn share(value: Arc<T>) -> Shared {
        value
    }

    fn copy(shared: &Shared) -> Option<Arc<T>> {
        whole(Arc::clone(shared))
    }

    fn read(shared: Shared) -> Option<Arc<T>> {
        whole(shared)
    }

    fn take(shared: Shared) -> Option<Arc<T>> {
        whole(shared)
    }

    fn see(shared: &Shared, look: &mut dyn FnMut(&Arc<T>)) {
        if let Some(value) = Self::copy(shared) {
            look(&value);
        }
    }
}

/// Finds the way by method look-up: of the methods named `way` the one on the fewest references wins.
pub struct WayProbe<V>(PhantomData<fn() -> V>);

impl<V> WayProbe<V> {
    /// Where a look-up begins.
    pub const NEW: Self = Self(PhantomData);
}

/// Wins for an `Arc`.
pub trait IsArc {
    /// The way.
    fn way(&self) -> AsItIs;
}

impl<T: Send + Sync + 'static> IsArc for &WayProbe<Arc<T>> {
    fn way(&self) -> AsItIs {
        AsItIs
    }
}

/// Is left for everything else.
pub trait IsNoArc {
    /// The way.
    fn way(&self) -> Wrapped;
}

impl<V> IsNoArc for WayProbe<V> {
    fn way(&self) -> Wrapped {
        Wrapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the same size, so that nothing but their types tells them apart.
    fn taken<V: CacheValue, W: Way<V>>(shared: &Shared) -> [Option<V>; 3] {
        let mut seen = None;
        W::see(shared, &mut |value| seen = Some(value.clone()));
        [W::copy(shared), W::take(Arc::clone(shared)), seen]
    }

    #[test]
    fn what_is_shared_is_taken_out_as_what_it_is_and_as_nothing_else() {
        let number: Shared = <Wrapped as Way<u64>>::share(7);
        assert_eq!(taken::<u64, Wrapped>(&number), [Some(7); 3]);
        assert_eq!(taken::<i64, Wrapped>(&number), [None; 3]);
        let counted: Shared = <AsItIs as Way<Arc<u64>>>::share(Arc::new(7));
        let seven = Some(Arc::new(7));
        assert_eq!(taken::<Arc<u64>, AsItIs>(&counted), [&seven; 3].map(Clone::clone));
        assert_eq!(taken::<Arc<i64>, AsItIs>(&counted), [None, None, None]);
        assert_eq!(taken::<u64, Wrapped>(&counted), [None; 3]);
    }

    /// If not, hits are right and slower: what shares is compiled in another unit than what looks.
    #[test]
    fn what_is_shared_is_told_at_sight() {
        let wrapped = <Wrapped as Way<u64>>::share(7);
        let counted = <AsItIs as Way<Arc<u64>>>::share(Arc::new(7));
        assert!(is_at_sight_here::<Option<u64>>(&wrapped) && !is_at_sight_here::<Option<i64>>(&wrapped));
        assert!(is_at_sight_here::<u64>(&counted) && !is_at_sight_here::<i64>(&counted));
    }

    /// As what was shared in another unit.
    #[test]
    fn what_has_another_table_is_asked_for_its_type() {
        let shared: Shared = Arc::new(Some(7_u64));
        assert_eq!(inside::<Option<u64>>(&shared), Some(&Some(7)));
        assert_eq!(whole::<Option<u64>>(Arc::clone(&shared)), Some(Arc::new(Some(7))));
        assert_eq!(inside_named::<Option<u64>>(&shared), Some(&Some(7)));
        assert_eq!(inside_named::<Option<i64>>(&shared), None);
        assert_eq!(
            whole_named::<Option<u64>>(Arc::clone(&shared)),
            Some(Arc::new(Some(7)))
        );
        assert_eq!(whole_named::<Option<i64>>(shared), None);
    }
}

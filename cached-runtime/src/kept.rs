//! How a value is shared by those who keep it.
//!
//! In an `Arc` of ours; or, where the value is an `Arc` itself, as that: an `Arc` of an `Arc` would take an allocation
//! more for each entry and cost each hit a step more. Which of the two is found out where the function is expanded, by
//! method look-up, and is the same for every instantiation of it.

use std::any::Any;
use std::marker::PhantomData;
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
        shared.downcast_ref::<Option<V>>()?.clone()
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

/// Something else than was looked for. Dropped here, so that what is looked for needs no room in memory on its way.
#[cold]
#[inline(never)]
fn strange<T>(other: Shared) -> Option<T> {
    drop(other);
    None
}

/// An `Arc`, as it is.
pub struct AsItIs;

impl<T: Send + Sync + 'static> Way<Arc<T>> for AsItIs {
    fn share(value: Arc<T>) -> Shared {
        value
    }

    fn copy(shared: &Shared) -> Option<Arc<T>> {
        Arc::clone(shared).downcast().ok()
    }

    fn read(shared: Shared) -> Option<Arc<T>> {
        Self::take(shared)
    }

    fn take(shared: Shared) -> Option<Arc<T>> {
        match shared.downcast() {
            Ok(value) => Some(value),
            Err(other) => strange(other),
        }
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

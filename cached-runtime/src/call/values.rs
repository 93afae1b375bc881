//! What is done with values by nothing but their type, as function pointers.
//!
//! They are made in one place of an expansion, [`memory_values`] or [`remote_values`], and only there does a type have
//! to be one that can be cached. Whatever carries them asks for nothing, so that a type that cannot be is reported
//! once.

use std::any::TypeId;
use std::sync::Arc;

use super::{Keeping, Load};
use crate::entry::Content;
use crate::hooks::{ClonedValue, Remote, RemoteValue, SharedValue};

/// The values of a function, in the tiers that it may have.
pub struct Values<V> {
    /// A clone of what is kept.
    pub(crate) read: fn(&Content) -> Option<V>,
    /// Not the ways themselves: futures hold this.
    pub(crate) ways: fn() -> Ways<V>,
    pub(crate) identity: fn() -> TypeId,
    pub(crate) remote: Option<&'static Remote>,
}

impl<V> Clone for Values<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Values<V> {}

/// Values that never leave the process.
pub const fn memory_values<V: ClonedValue + SharedValue<S>, S>() -> Values<V> {
    Values {
        read: Content::cloned,
        ways: || Ways {
            read: Content::cloned,
            keep: |load, value| load.keep_value(value, &|| Arc::new(value.clone())),
        },
        identity: TypeId::of::<V>,
        remote: None,
    }
}

/// Values that may leave it.
pub const fn remote_values<V: ClonedValue + SharedValue<S> + RemoteValue<R>, S, R>() -> Values<V> {
    Values {
        remote: Some(&const { Remote::of::<V>() }),
        ..memory_values()
    }
}

/// What the steps past the look in memory need of them.
pub struct Ways<V> {
    /// As above.
    pub(crate) read: fn(&Content) -> Option<V>,
    /// Stores a clone of what the body brought.
    pub(crate) keep: fn(Box<Load>, &V) -> Option<Keeping>,
}

impl<V> Clone for Ways<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Ways<V> {}

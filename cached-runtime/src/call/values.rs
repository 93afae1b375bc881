//! What is done with values by nothing but their type, as function pointers.
//!
//! They are made in one place of an expansion, [`memory_values`] or [`remote_values`], and only there does a type have
//! to be one that can be cached. Whatever carries them asks for nothing, so that a type that cannot be is reported
//! once.

use std::any::TypeId;

use super::{Keeping, Load};
use crate::entry::{Content, Shared};
use crate::hooks::{CacheValue, ClonedValue, Remote, RemoteValue, See, SharedValue};
use crate::kept::Way;

/// The values of a function, in the tiers that it may have.
pub struct Values<V> {
    /// A clone of what is kept.
    pub(crate) read: fn(Content) -> Option<V>,
    /// Not the ways themselves: futures hold this.
    pub(crate) ways: fn() -> Ways<V>,
    /// Shows what is kept.
    pub(crate) see: See<V>,
    pub(crate) identity: TypeId,
    pub(crate) remote: Option<&'static Remote>,
}

impl<V> Clone for Values<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Values<V> {}

/// Values that never leave the process.
pub fn memory_values<V: ClonedValue + SharedValue<S>, S, W: Way<V>>(_: W) -> Values<V> {
    Values {
        read: read::<V, W>,
        ways: ways::<V, W>,
        see: W::see,
        identity: TypeId::of::<V>(),
        remote: None,
    }
}

fn ways<V: CacheValue, W: Way<V>>() -> Ways<V> {
    Ways {
        this: ways::<V, W>,
        read: read::<V, W>,
        take: take::<V, W>,
        share: W::share,
        keep: keep::<V, W>,
    }
}

fn keep<V: CacheValue, W: Way<V>>(load: Load, value: &V) -> Option<Keeping> {
    load.keep_value(value, &|| W::share(value.clone()))
}

/// Values that may leave it.
pub fn remote_values<V: ClonedValue + SharedValue<S> + RemoteValue<R>, S, R, W: Way<V>>(way: W) -> Values<V> {
    Values {
        remote: Some(&const { Remote::of::<V, W>() }),
        ..memory_values(way)
    }
}

fn read<V: CacheValue, W: Way<V>>(content: Content) -> Option<V> {
    match content {
        Content::Value(shared) => W::read(shared),
        Content::Absent => None,
    }
}

fn take<V: CacheValue, W: Way<V>>(content: Content) -> Option<V> {
    match content {
        Content::Value(shared) => W::take(shared),
        Content::Absent => None,
    }
}

/// What the steps past the look in memory need of them.
pub struct Ways<V> {
    /// These.
    pub(crate) this: fn() -> Ways<V>,
    /// As above.
    pub(crate) read: fn(Content) -> Option<V>,
    /// What was found, without a clone where nobody else has it.
    pub(crate) take: fn(Content) -> Option<V>,
    /// A value as it is kept.
    pub(crate) share: fn(V) -> Shared,
    /// Stores a clone of what the body brought.
    pub(crate) keep: fn(Load, &V) -> Option<Keeping>,
}

impl<V> Clone for Ways<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Ways<V> {}

//! What a function's types and closures add to its [`Spec`](crate::policy::Spec).
//!
//! Everything below the expansion works on values whose type it does not know; these are the places where the type
//! comes back: to weigh a value, to ask for its life, to turn it into bytes.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Codec;
use crate::codec::shape::Subject;
use crate::entry::Shared;
use crate::key::Key;
use crate::{Error, ErrorKind};

/// A type whose values can be kept in memory: `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be cached",
    label = "must be `Clone + Send + Sync + 'static`",
    note = "a hit hands out a clone, from whichever thread asks",
    note = "derive `Clone`, or return an `Arc` of the value; return owned values instead of references"
)]
pub trait CacheValue: Clone + Send + Sync + 'static {}

impl<V: Clone + Send + Sync + 'static> CacheValue for V {}

/// A type whose values can be kept outside this process.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be kept in a remote store",
    label = "must be `Serialize + DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it",
    note = "or keep it in memory only: `#[cache(backend = \"local\", ..)]`"
)]
pub trait RemoteValue: Serialize + DeserializeOwned {}

impl<V: Serialize + DeserializeOwned> RemoteValue for V {}

type ToDuration = Box<dyn Fn(&dyn Any) -> Option<Duration> + Send + Sync>;
type ToBool = Box<dyn Fn(&dyn Any) -> bool + Send + Sync>;
type ToWeight = Box<dyn Fn(&Key, &dyn Any) -> u64 + Send + Sync>;

/// How values become bytes.
pub(crate) struct Remote {
    encode: fn(&dyn Any, Codec, &mut Vec<u8>) -> Result<(), Error>,
    decode: fn(&[u8], Codec) -> Result<Shared, Error>,
    pub(crate) shape: Subject,
}

impl Remote {
    pub(crate) fn encode(&self, value: &dyn Any, codec: Codec, bytes: &mut Vec<u8>) -> Result<(), Error> {
        unpanicked(ErrorKind::Encode, || (self.encode)(value, codec, bytes))
    }

    pub(crate) fn decode(&self, bytes: &[u8], codec: Codec) -> Result<Shared, Error> {
        unpanicked(ErrorKind::Decode, || (self.decode)(bytes, codec))
    }
}

/// The hooks of a function, its type forgotten.
#[derive(Default)]
pub(crate) struct Erased {
    pub(crate) ttl: Option<ToDuration>,
    pub(crate) cache_if: Option<ToBool>,
    pub(crate) weight: Option<ToWeight>,
    pub(crate) remote: Option<Remote>,
}

/// The hooks of a function whose values are `V`.
pub struct Hooks<V> {
    pub(crate) erased: Erased,
    value: PhantomData<fn(&V)>,
}

impl<V: CacheValue> Default for Hooks<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: CacheValue> Hooks<V> {
    /// No hooks.
    pub fn new() -> Self {
        Self {
            erased: Erased::default(),
            value: PhantomData,
        }
    }

    /// Nothing more.
    #[must_use]
    pub fn none(self) -> Self {
        self
    }

    /// Values may leave the process.
    #[must_use]
    pub fn remote(mut self) -> Self
    where
        V: RemoteValue,
    {
        self.erased.remote = Some(Remote {
            encode: |value, codec, bytes| match value.downcast_ref::<V>() {
                Some(value) => codec.encode(value, bytes),
                None => Ok(()),
            },
            decode: |bytes, codec| match codec.decode::<V>(bytes) {
                Ok(value) => Ok(Arc::new(value)),
                Err(error) => Err(error),
            },
            shape: Subject::of::<V>(),
        });
        self
    }

    /// `ttl = |value| duration`.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Fn(&V) -> Duration + Send + Sync + 'static) -> Self {
        self.erased.ttl = Some(Box::new(move |value| value.downcast_ref().map(&ttl)));
        self
    }

    /// `cache_if = |value| bool`.
    #[must_use]
    pub fn cache_if(mut self, keep: impl Fn(&V) -> bool + Send + Sync + 'static) -> Self {
        self.erased.cache_if = Some(Box::new(move |value| value.downcast_ref().is_some_and(&keep)));
        self
    }

    /// `weight = |key, value| bytes`.
    #[must_use]
    pub fn weight(mut self, weight: impl Fn(&Key, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.erased.weight = Some(Box::new(move |key, value| {
            value.downcast_ref().map_or(0, |value| weight(key, value))
        }));
        self
    }
}

/// Reading and writing a value is its type's code. Where that panics, the cache has failed and not the call.
fn unpanicked<T>(kind: ErrorKind, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::new(
            kind,
            "the `serde` implementation of the value's type panicked",
        ))
    })
}

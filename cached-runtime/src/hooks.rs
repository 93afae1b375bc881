//! What a function's types and closures add to its [`Spec`](crate::policy::Spec).
//!
//! Everything below the expansion works on values whose type it does not know; these are the places where the type
//! comes back: to weigh a value, to ask for its life, to turn it into bytes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Codec;
use crate::codec::shape::Subject;
use crate::entry::Shared;
use crate::kept::Way;
use crate::key::Key;
use crate::{Error, ErrorKind};

/// A type whose values can be kept in memory: `Clone + Send + Sync + 'static`.
pub trait CacheValue: Clone + Send + Sync + 'static {}

impl<V: Clone + Send + Sync + 'static> CacheValue for V {}

/// A type of whose values a hit can hand out copies.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be cached: they are not `Clone`",
    label = "a hit hands out a clone",
    note = "derive `Clone`, or return an `Arc` of the value"
)]
pub trait ClonedValue: Clone + 'static {}

impl<V: Clone + 'static> ClonedValue for V {}

/// A type whose values can be used by all threads at once.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be cached: they are not `Send + Sync`",
    label = "what is kept is shared between threads",
    note = "replace what they hold: `Rc` by `Arc`, `RefCell` by `Mutex`, `Cell` by an atomic, `Box<dyn Trait>` by `Box<dyn Trait + Send + Sync>`",
    note = "demand `Send + Sync` of a type parameter"
)]
pub trait SharedValue<H>: Send + Sync {}

#[diagnostic::do_not_recommend]
impl<V: Send + Sync> SharedValue<Held> for V {}
#[diagnostic::do_not_recommend]
impl<V: Send + Sync + NoType> SharedValue<NeverHeld> for V {}

/// A type whose values can be kept outside this process.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be kept in a remote store: they are not `Serialize + DeserializeOwned`",
    label = "goes into a remote store as bytes",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it; demand `Serialize + DeserializeOwned` of a type parameter",
    note = "or keep it in memory only: `#[cache(backend = \"local\", ..)]`"
)]
pub trait RemoteValue<H>: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> RemoteValue<Held> for V {}
#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned + NoType> RemoteValue<NeverHeld> for V {}

/// The same for a cache that is made by name.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be kept in a remote store: they are not `Serialize + DeserializeOwned`",
    label = "its values go into a remote store as bytes",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it; demand `Serialize + DeserializeOwned` of a type parameter",
    note = "or keep it in memory only: `.build_in_memory()`"
)]
pub trait StoredValue<H>: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> StoredValue<Held> for V {}
#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned + NoType> StoredValue<NeverHeld> for V {}

/// Beside the implementation of a trait for all types that it is meant for stands one for no type at all. Of one
/// implementation the compiler would report each bound that is missing, in a message of its own; of two it reports the
/// trait, once.
pub struct Held;
/// Of the implementation for no type.
pub struct NeverHeld;
/// No type.
pub trait NoType {}

type ToDuration = Box<dyn Fn(&dyn Any) -> Option<Duration> + Send + Sync>;
type ToTime = Box<dyn Fn(&dyn Any) -> Option<SystemTime> + Send + Sync>;
type ToBool = Box<dyn Fn(&dyn Any) -> bool + Send + Sync>;
type ToWeight = Box<dyn Fn(&Key, &Shared) -> u64 + Send + Sync>;

/// Shows a value as it is kept.
pub(crate) type See<V> = fn(&Shared, &mut dyn FnMut(&V));

/// How values become bytes.
pub(crate) struct Remote {
    encode: fn(&Shared, Codec, &mut Vec<u8>) -> Result<(), Error>,
    decode: fn(&[u8], Codec) -> Result<Shared, Error>,
    pub(crate) shape: Subject,
}

impl Remote {
    pub(crate) const fn of<V: CacheValue + Serialize + DeserializeOwned, W: Way<V>>() -> Self {
        Self {
            encode: encode::<V, W>,
            decode: decode::<V, W>,
            shape: Subject::of::<V>(),
        }
    }

    pub(crate) fn encode(&self, value: &Shared, codec: Codec, bytes: &mut Vec<u8>) -> Result<(), Error> {
        unpanicked(ErrorKind::Encode, || (self.encode)(value, codec, bytes))
    }

    pub(crate) fn decode(&self, bytes: &[u8], codec: Codec) -> Result<Shared, Error> {
        unpanicked(ErrorKind::Decode, || (self.decode)(bytes, codec))
    }
}

// Functions, and not closures in their place: each of those is one more to compile for every type.
fn encode<V: CacheValue + Serialize, W: Way<V>>(
    shared: &Shared,
    codec: Codec,
    bytes: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut encoded = Ok(());
    W::see(shared, &mut |value| encoded = codec.encode(value, bytes));
    encoded
}

fn decode<V: CacheValue + DeserializeOwned, W: Way<V>>(bytes: &[u8], codec: Codec) -> Result<Shared, Error> {
    match codec.decode::<V>(bytes) {
        Ok(value) => Ok(W::share(value)),
        Err(error) => Err(error),
    }
}

/// The hooks of a function, its type forgotten.
#[derive(Default)]
pub(crate) struct Erased {
    pub(crate) ttl: Option<ToDuration>,
    pub(crate) expires: Option<ToTime>,
    pub(crate) cache_if: Option<ToBool>,
    pub(crate) weight: Option<ToWeight>,
    pub(crate) remote: Option<&'static Remote>,
}

/// The hooks of a function whose values are `V`. They can capture nothing: what they say of a value is the same in every
/// call.
pub(crate) struct Hooks<V> {
    pub(crate) ttl: Option<fn(&V) -> Duration>,
    pub(crate) expires: Option<fn(&V) -> SystemTime>,
    pub(crate) cache_if: Option<fn(&V) -> bool>,
    pub(crate) weight: Option<fn(&Key, &V) -> u64>,
}

impl<V> Clone for Hooks<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Hooks<V> {}

impl<V> Hooks<V> {
    pub(crate) const NONE: Self = Self {
        ttl: None,
        expires: None,
        cache_if: None,
        weight: None,
    };
}

impl<V: 'static> Hooks<V> {
    pub(crate) fn erased(self, see: See<V>) -> Erased {
        let Self {
            ttl,
            expires,
            cache_if,
            weight,
        } = self;
        Erased {
            ttl: ttl.map(|ttl| -> ToDuration { Box::new(move |value| value.downcast_ref().map(ttl)) }),
            expires: expires
                .map(|expires| -> ToTime { Box::new(move |value| value.downcast_ref().map(expires)) }),
            cache_if: cache_if
                .map(|keep| -> ToBool { Box::new(move |value| value.downcast_ref().is_some_and(keep)) }),
            weight: weight.map(|weight| -> ToWeight {
                Box::new(move |key, shared| {
                    let mut weighed = 0;
                    see(shared, &mut |value| weighed = weight(key, value));
                    weighed
                })
            }),
            remote: None,
        }
    }
}

type OfValue<V, R> = Box<dyn Fn(&V) -> R + Send + Sync>;
type OfEntry<V> = Box<dyn Fn(&Key, &V) -> u64 + Send + Sync>;

/// The hooks of a cache that was made by name. They may capture.
pub(crate) struct Capturing<V> {
    pub(crate) ttl: Option<OfValue<V, Duration>>,
    pub(crate) expires: Option<OfValue<V, SystemTime>>,
    pub(crate) cache_if: Option<OfValue<V, bool>>,
    pub(crate) weight: Option<OfEntry<V>>,
}

impl<V> Capturing<V> {
    pub(crate) const NONE: Self = Self {
        ttl: None,
        expires: None,
        cache_if: None,
        weight: None,
    };
}

impl<V: 'static> Capturing<V> {
    pub(crate) fn erased(self, see: See<V>) -> Erased {
        let Self {
            ttl,
            expires,
            cache_if,
            weight,
        } = self;
        Erased {
            ttl: ttl.map(|ttl| -> ToDuration { Box::new(move |value| value.downcast_ref().map(&ttl)) }),
            expires: expires
                .map(|expires| -> ToTime { Box::new(move |value| value.downcast_ref().map(&expires)) }),
            cache_if: cache_if
                .map(|keep| -> ToBool { Box::new(move |value| value.downcast_ref().is_some_and(&keep)) }),
            weight: weight.map(|weight| -> ToWeight {
                Box::new(move |key, shared| {
                    let mut weighed = 0;
                    see(shared, &mut |value| weighed = weight(key, value));
                    weighed
                })
            }),
            remote: None,
        }
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

//! The one door for code that the attributes generate. Not for users: it changes without notice.

use std::borrow::Borrow;

pub use inventory;
pub use std::any::type_name;
pub use std::borrow::ToOwned;
pub use std::boxed::Box;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use crate::behind::{
    BehindEntry, Done, Entries, Gather, Gathered, Repeated, Returned, Settings, Together, Writes,
    WrittenAtOnce, WrittenLater, entries, gathered, repeated, returned, write_behind, write_behind_each,
    written_later,
};
pub use crate::caches::Caches;
pub use crate::caches::definition::{Definition, Keeps, define, with_closures};
pub use crate::caches::patterns::Pattern;
pub use crate::caches::registry::Site;
pub use crate::call::many::{
    Again, Answers, Asked, Batch, BatchShape, IdOf, Ids, Items, Listed, MapKey, OfEntry, Pairs, Step, again,
    ask, batch, items, listed,
};
pub use crate::call::output::{
    Fallible, FallibleOptional, Kind, KindElse, KindOk, Optional, Output, Plain, Probe, Shape,
};
pub use crate::call::share::{ByClone, ByDisplay, ByNotice, ByReport, ByWrapping, NotAtAll, Share};
pub use crate::call::told::{Told, ToldByDebug, ToldByDisplay, ToldByType};
pub use crate::call::values::{memory_values, remote_values};
pub use crate::call::{
    Anew, Enter, Lead, Lent, Missed, Outliving, Reload, Run, Seen, Turn, Wait, anew, enter, enter_aging,
    enter_aging_in, enter_in, enter_sole, outliving, reload, sole, turns,
};
pub use crate::codec::Codec;
pub use crate::handles::{Cache, Entry};
pub use crate::hooks::{CacheValue, ClonedValue, RemoteValue, SharedValue, StoredValue};
pub use crate::invalidate::{
    StoredAs, Updated, UpdatedEach, When, WholeCache, Writer, write, write_always, write_with,
};
pub use crate::kept::{IsArc, IsNoArc, WayProbe};
pub use crate::key::{Key, KeyArg, KeyBuf, KeyPart, Piece};
pub use crate::policy::{Refresh, Spec, Strategy, TierSpec};

use crate::hooks::{Held, NeverHeld, NoType};
use crate::key::Template;

/// The shape of a return type, for an expression.
#[doc(hidden)]
#[macro_export]
macro_rules! __probe {
    ($output:ty) => {{
        use $crate::__private::{Fallible as _, FallibleOptional as _, Optional as _, Plain as _};
        (&&&&$crate::__private::Probe::<$output>::NEW).shape()
    }};
}

/// The number of a return type's shape, for a signature.
#[doc(hidden)]
#[macro_export]
macro_rules! __kind {
    ($output:ty) => {{
        use $crate::__private::KindElse as _;
        $crate::__private::Kind::<$output>::OUTER + $crate::__private::KindOk::<$output>::INNER
    }};
}

/// How values of a type are shared by those who keep them.
#[doc(hidden)]
#[macro_export]
macro_rules! __way {
    ($probe:expr) => {{
        use $crate::__private::{IsArc as _, IsNoArc as _};
        (&&$probe).way()
    }};
}

/// The words of the error of a shape.
#[doc(hidden)]
#[macro_export]
macro_rules! __told {
    ($shape:expr) => {{
        use $crate::__private::{ToldByDebug as _, ToldByDisplay as _, ToldByType as _};
        (&&&$shape.failures()).words()
    }};
}

/// How the error of a shape reaches those who waited.
#[doc(hidden)]
#[macro_export]
macro_rules! __share {
    ($shape:expr) => {{
        use $crate::__private::{
            ByClone as _, ByDisplay as _, ByNotice as _, ByReport as _, ByWrapping as _, NotAtAll as _,
        };
        (&&&&&&$shape.errors()).share()
    }};
}

pub use crate::{
    __codec as codec, __engine as engine, __kind as kind, __probe as probe, __share as share, __told as told,
    __way as way,
};

/// What `none_ttl` is for.
#[diagnostic::on_unimplemented(
    message = "`none_ttl` keeps a `None`, and this function returns none",
    label = "of no use here",
    note = "remove it, or return an `Option`, by itself or in a `Result`"
)]
pub trait SaysNone {}

#[diagnostic::do_not_recommend]
impl<T> SaysNone for Shape<Option<T>, 1> {}

#[diagnostic::do_not_recommend]
impl<T, E> SaysNone for Shape<Result<Option<T>, E>, 3> {}

/// Demands it of a function's shape.
pub fn says_none(_: &impl SaysNone) {}

/// The way of `share_error`.
pub fn share_with<R: Output<K>, const K: u8>(
    shape: Shape<R, K>,
    share: fn(&R::Error) -> R::Error,
) -> Share<R::Error>
where
    R::Error: Send + 'static,
{
    let _ = shape;
    Share::custom(share)
}

/// The entry of a key, in the `Caches` in force.
pub fn entry<V>(definition: Definition<V>, key: &KeyBuf) -> Entry<V> {
    Entry::new(Caches::current(), definition, key)
}

/// The entry of a key.
pub fn entry_in<V>(caches: &Caches, definition: Definition<V>, key: &KeyBuf) -> Entry<V> {
    Entry::new(caches.clone(), definition, key)
}

/// The cache of a function, in the `Caches` in force.
pub fn cache<V>(definition: Definition<V>) -> Cache<V> {
    Cache::new(Caches::current(), definition)
}

/// The cache of a function.
pub fn cache_in<V>(caches: &Caches, definition: Definition<V>) -> Cache<V> {
    Cache::new(caches.clone(), definition)
}

/// `backend = PATH`.
pub const fn chain(stores: &'static [&'static str]) -> Option<&'static [&'static str]> {
    Some(stores)
}

/// `tier("name", ..)` where `backend` is a constant: the name, or a `refusal` while compiling.
#[track_caller]
#[expect(
    clippy::panic,
    reason = "for constants alone, where it is an error of the compiler"
)]
pub const fn of_chain(name: &'static str, stores: &[&str], refusal: &str) -> &'static str {
    let mut rest = stores;
    while let [store, others @ ..] = rest {
        if same(name.as_bytes(), store.as_bytes()) {
            return name;
        }
        rest = others;
    }
    panic!("{}", refusal)
}

/// `==`, which constants do not have.
const fn same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([first, one_rest @ ..], [second, other_rest @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

/// `caches = expr`, however it is held.
pub fn caches_of<C: HasCaches<H> + ?Sized, H>(caches: &C) -> &Caches {
    caches.as_ref()
}

/// What `caches = expr` can be.
#[diagnostic::on_unimplemented(
    message = "`caches` takes a `Caches`, and this is `{Self}`",
    label = "neither `Caches` nor `AsRef<Caches>`",
    note = "pass the `Caches` itself, a reference or an `Arc` of it, or implement `AsRef<Caches>` for what holds it"
)]
pub trait HasCaches<H>: AsRef<Caches> {}

#[diagnostic::do_not_recommend]
impl<C: AsRef<Caches> + ?Sized> HasCaches<Held> for C {}
#[diagnostic::do_not_recommend]
impl<C: AsRef<Caches> + NoType + ?Sized> HasCaches<NeverHeld> for C {}

/// A copy that outlives the argument it is made of.
pub fn keep<T: ToOwned + ?Sized>(argument: &T) -> T::Owned {
    let borrowed: &T = argument.borrow();
    borrowed.to_owned()
}

/// The text of a key or a pattern, piece by piece.
#[derive(Default)]
pub struct KeyText(String);

impl KeyText {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text of the template, as it stands.
    pub fn push_text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    /// A value, escaped as in every key, so that nothing in it is special in a pattern.
    pub fn push_value<P: KeyPart + ?Sized>(&mut self, value: &P) -> &mut Self {
        let mut buf = KeyBuf::new();
        buf.part(value);
        Template::new(&[Piece::Value]).render(buf.as_bytes(), &mut self.0);
        self
    }

    /// The whole.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// A codec by name, or the feature it needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __codec {
    (bincode) => {
        $crate::__codec_bincode!()
    };
    (postcard) => {
        $crate::__codec_postcard!()
    };
    (messagepack) => {
        $crate::__codec_messagepack!()
    };
    (json) => {
        $crate::__codec_json!()
    };
}

/// A memory engine that needs a feature.
#[doc(hidden)]
#[macro_export]
macro_rules! __engine {
    (moka) => {
        $crate::__engine_moka!()
    };
}

#[cfg(feature = "bincode")]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_bincode {
    () => {
        $crate::__private::Codec::Bincode
    };
}

#[cfg(not(feature = "bincode"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_bincode {
    () => {
        ::core::compile_error!("`codec = \"bincode\"` needs the feature `bincode` of cached-runtime")
    };
}

#[cfg(feature = "postcard")]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_postcard {
    () => {
        $crate::__private::Codec::Postcard
    };
}

#[cfg(not(feature = "postcard"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_postcard {
    () => {
        ::core::compile_error!("`codec = \"postcard\"` needs the feature `postcard` of cached-runtime")
    };
}

#[cfg(feature = "messagepack")]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_messagepack {
    () => {
        $crate::__private::Codec::MessagePack
    };
}

#[cfg(not(feature = "messagepack"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_messagepack {
    () => {
        ::core::compile_error!("`codec = \"messagepack\"` needs the feature `messagepack` of cached-runtime")
    };
}

#[cfg(feature = "json")]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_json {
    () => {
        $crate::__private::Codec::Json
    };
}

#[cfg(not(feature = "json"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_json {
    () => {
        ::core::compile_error!("`codec = \"json\"` needs the feature `json` of cached-runtime")
    };
}

#[cfg(feature = "moka")]
#[doc(hidden)]
#[macro_export]
macro_rules! __engine_moka {
    () => {
        "moka"
    };
}

#[cfg(not(feature = "moka"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __engine_moka {
    () => {
        ::core::compile_error!("`backend = \"moka\"` needs the feature `moka` of cached-runtime")
    };
}

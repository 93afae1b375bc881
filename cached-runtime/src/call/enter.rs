//! The typed side of a call: from arguments to a returned thing.
//!
//! Compiled anew for every function or return type, so it holds no more than what needs the types. The look in memory, in
//! `seek`, and the steps themselves, in `load`, are compiled once.

use std::sync::Arc;

use super::again::{Claim, Reload};
use super::output::{Output, Shape};
use super::seek::{seek, seek_in, seek_number, seek_scoped};
use super::start::Start;
use super::values::Ways;
use crate::caches::definition::{Definition, Untyped};
use crate::caches::function::Function;
use crate::caches::{Caches, context};
use crate::entry::Content;
use crate::key::{KeyBuf, KeyPart, Number};
use crate::policy::Mode;
use crate::tier::memory::Probe;

#[inline]
fn probe_of(key: &KeyBuf) -> Probe<'_> {
    Probe {
        hash: key.hash(),
        bytes: key.as_bytes(),
    }
}

/// What a call comes to at once.
pub enum Enter<R: Output<K>, const K: u8> {
    /// Answered from memory.
    Done(R),
    /// Not answered; to be awaited.
    Wait(Start, fn() -> Ways<R::Value>),
}

/// Enters a call under the `Caches` in force.
///
/// Inlined, so that a hit need not have the definition in memory; but not in debug builds, where that would only be more to compile.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn enter<R, const K: u8>(
    definition: &Definition<R::Value>,
    shape: Shape<R, K>,
    key: &KeyBuf,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    // Before anything that other threads write is read: what the compiler knows of the key is forgotten there.
    let probe = probe_of(key);
    let mut absent = false;
    if !context::may_be_scoped()
        && let Some(memory) = definition.memory()
        && let Some(shared) = seek(memory, probe.hash, probe.bytes, &mut absent)
        && let Some(value) = definition.read()(Content::Value(shared))
    {
        return Enter::Done(R::from_value(value));
    }
    match absent_of(definition, absent) {
        Some(absent) => Enter::Done(absent),
        None => enter_unanswered(*definition, key),
    }
}

/// The only value of a key, and what the function stands in.
pub struct Sole<'a, P: ?Sized> {
    part: &'a P,
    /// The name of its type; empty if it is in none.
    owner: &'static str,
}

/// The key of a function that stands in no type.
#[inline]
pub fn sole<P: KeyPart + ?Sized>(part: &P) -> Sole<'_, P> {
    Sole { part, owner: "" }
}

impl<P: KeyPart + ?Sized> Sole<'_, P> {
    /// The key of a function that stands in this one.
    #[inline]
    #[must_use]
    pub fn owner<S: ?Sized>(self) -> Self {
        let owner = std::any::type_name::<S>();
        Self { owner, ..self }
    }
}

/// Enters a call whose key has one value: if that is a number, it is looked for as it is.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn enter_sole<R, P, const K: u8>(
    definition: &Definition<R::Value>,
    shape: Shape<R, K>,
    sole: &Sole<'_, P>,
) -> Enter<R, K>
where
    R: Output<K>,
    P: KeyPart + ?Sized,
{
    let Some(number) = sole
        .part
        .__number()
        .filter(|_| definition.is_untagged(sole.owner))
    else {
        let mut key = KeyBuf::new();
        key.part(sole.part);
        definition.tag_owner(sole.owner, &mut key);
        return enter(definition, shape, &key);
    };
    let mut absent = false;
    if !context::may_be_scoped()
        && let Some(memory) = definition.memory()
        && let Number { hash, value } = Number::new(number)
        && let Some(shared) = seek_number(memory, hash, value, &mut absent)
        && let Some(value) = definition.read()(Content::Value(shared))
    {
        return Enter::Done(R::from_value(value));
    }
    match absent_of(definition, absent) {
        Some(absent) => Enter::Done(absent),
        None => enter_unanswered_number(*definition, number),
    }
}

/// That there is none, where that is what is kept for this very instantiation: unlike a value, this has no type.
#[inline]
fn absent_of<R: Output<K>, const K: u8>(definition: &Definition<R::Value>, is_kept: bool) -> Option<R> {
    R::absent().filter(|_| is_kept && definition.site().installed(definition.identity()).is_some())
}

/// The same for a function whose hits may start a load in the background.
pub fn enter_aging<R, const K: u8>(
    definition: &Definition<R::Value>,
    shape: Shape<R, K>,
    key: &KeyBuf,
) -> Aging<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    if !context::may_be_scoped() {
        let identity = definition.identity();
        if let Some(function) = definition.site().installed(identity) {
            return look_aging(function, Mode::Normal, definition, key);
        }
        remember(definition);
    }
    // Not from there, as in `enter_unanswered`.
    let (function, mode) = context::with(|caches, mode| (Arc::clone(caches.function(definition)), mode));
    look_aging(&function, mode, definition, key)
}

/// The same under a `Caches` passed by hand.
pub fn enter_aging_in<R, const K: u8>(
    caches: &Caches,
    definition: &Definition<R::Value>,
    shape: Shape<R, K>,
    key: &KeyBuf,
) -> Aging<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    look_aging(caches.function(definition), context::mode(), definition, key)
}

/// What a call comes to at once, and the load that a hit asks for.
pub(super) type Aging<R, const K: u8> = (Enter<R, K>, Option<Reload<<R as Output<K>>::Value>>);

fn look_aging<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    definition: &Definition<R::Value>,
    key: &KeyBuf,
) -> Aging<R, K>
where
    R: Output<K>,
{
    let probe = probe_of(key);
    look_aging_at(function, mode, definition.read(), definition.ways(), probe)
}

/// The same for a key that has been written before.
#[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
#[inline(always)]
pub(super) fn look_aging_at<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    read: fn(Content) -> Option<R::Value>,
    ways: fn() -> Ways<R::Value>,
    probe: Probe<'_>,
) -> Aging<R, K>
where
    R: Output<K>,
{
    if mode == Mode::Normal
        && let Some(memory) = &function.memory
        && let Some((content, due)) = memory.read_aging(&probe)
        && let Some(hit) = taken(content, read)
    {
        let claim = due.then(|| Claim::new(function, probe)).flatten();
        return (Enter::Done(hit), claim.map(|claim| Reload::new(claim, ways)));
    }
    (Enter::Wait(Start::new(function, mode, probe), ways), None)
}

#[cold]
#[inline(never)]
fn enter_unanswered_number<R, const K: u8>(definition: Definition<R::Value>, number: u64) -> Enter<R, K>
where
    R: Output<K>,
{
    enter_unanswered(definition, &Number::new(number).written())
}

/// What is left of it: what was looked for is not there, or nobody has looked, in or after a scope and where the process's
/// `Caches` is not known at the function's site. Takes the definition by value, so that a call that does not come here need not
/// have it in memory.
#[cold]
#[inline(never)]
fn enter_unanswered<R, const K: u8>(definition: Definition<R::Value>, key: &KeyBuf) -> Enter<R, K>
where
    R: Output<K>,
{
    let probe = probe_of(key);
    if !context::may_be_scoped() {
        // Looked for there, unless that has become known this very moment: who is to load looks once more.
        if let Some(function) = definition.site().installed(definition.identity()) {
            return Enter::Wait(Start::new(function, Mode::Normal, probe), definition.ways());
        }
        remember(&definition);
    }
    let (shared, absent) = seek_scoped(&definition, probe);
    // Where the scope is not looked at any more: a value's `clone` and `drop` may enter one themselves.
    if let Some(shared) = shared
        && let Some(value) = (definition.read())(Content::Value(shared))
    {
        return Enter::Done(R::from_value(value));
    }
    match R::absent().filter(|_| absent) {
        Some(absent) => Enter::Done(absent),
        None => Enter::Wait(start_scoped(&definition, probe), definition.ways()),
    }
}

/// From now on the function is found at its site.
#[cold]
fn remember<V>(definition: &Definition<V>) {
    let function = context::installed().function(definition);
    definition.site().remember(definition.identity(), function);
}

/// Enters a call under a `Caches` passed by hand; the mode in force counts.
#[inline]
pub fn enter_in<R, const K: u8>(
    caches: &Caches,
    definition: &Definition<R::Value>,
    shape: Shape<R, K>,
    key: &KeyBuf,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let _ = shape;
    let function = caches.function(definition);
    look_at(
        function,
        context::mode(),
        definition.read(),
        definition.ways(),
        probe_of(key),
    )
}

/// The same for a key that has been written before.
#[inline]
pub(super) fn look_at<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    read: fn(Content) -> Option<R::Value>,
    ways: fn() -> Ways<R::Value>,
    probe: Probe<'_>,
) -> Enter<R, K>
where
    R: Output<K>,
{
    let (shared, absent) = seek_in(function, mode, probe);
    if let Some(shared) = shared
        && let Some(value) = read(Content::Value(shared))
    {
        return Enter::Done(R::from_value(value));
    }
    unanswered(function, mode, ways, probe, absent)
}

#[cold]
#[inline(never)]
fn unanswered<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    ways: fn() -> Ways<R::Value>,
    probe: Probe<'_>,
    absent: bool,
) -> Enter<R, K>
where
    R: Output<K>,
{
    match R::absent().filter(|_| absent) {
        Some(absent) => Enter::Done(absent),
        None => Enter::Wait(Start::new(function, mode, probe), ways),
    }
}

#[inline(never)]
fn start_scoped(definition: &dyn Untyped, probe: Probe<'_>) -> Start {
    context::with(|caches, mode| Start::new(definition.function(caches), mode, probe))
}

/// What was found, as the function returns it.
#[inline]
pub(super) fn taken<R: Output<K>, const K: u8>(
    content: Content,
    take: fn(Content) -> Option<R::Value>,
) -> Option<R> {
    match content {
        Content::Value(_) => take(content).map(R::from_value),
        Content::Absent => R::absent(),
    }
}

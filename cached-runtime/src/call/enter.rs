//! The typed side of a call: from arguments to a returned thing.
//!
//! Compiled anew for every function or return type, so it holds no more than what needs the types. The look in memory,
//! `seek`, and the steps themselves, in `load`, are compiled once.

use std::sync::Arc;

use super::again::{Claim, Reload};
use super::output::{Output, Shape};
use super::start::Start;
use super::values::Ways;
use crate::caches::function::Function;
use crate::caches::registry::{Definition, Untyped};
use crate::caches::{Caches, context};
use crate::entry::{Content, Shared};
use crate::key::KeyBuf;
use crate::policy::Mode;
use crate::tier::memory::{Memory, Probe};

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
    if !context::may_be_scoped() {
        let identity = definition.identity();
        if let Some(function) = definition.site().installed(identity) {
            return enter_at(function, Mode::Normal, definition, probe);
        }
    }
    enter_scoped(*definition, key)
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
    // Not from there, as in `enter_scoped`.
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

/// The same in or after a scope, and where the process's `Caches` is not known at the function's site. Takes the
/// definition by value, so that a call that does not come here need not have it in memory.
#[cold]
#[inline(never)]
fn enter_scoped<R, const K: u8>(definition: Definition<R::Value>, key: &KeyBuf) -> Enter<R, K>
where
    R: Output<K>,
{
    if !context::may_be_scoped() {
        remember(&definition);
    }
    let probe = probe_of(key);
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
    let probe = probe_of(key);
    enter_at(caches.function(definition), context::mode(), definition, probe)
}

#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
fn enter_at<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    definition: &Definition<R::Value>,
    probe: Probe<'_>,
) -> Enter<R, K>
where
    R: Output<K>,
{
    look_at(function, mode, definition.read(), definition.ways(), probe)
}

/// The same for a key that has been written before.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
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
    let mut absent = false;
    if let Some(shared) = seek(function, mode, probe.hash, probe.bytes, &mut absent)
        && let Some(value) = read(Content::Value(shared))
    {
        return Enter::Done(R::from_value(value));
    }
    missed(function, mode, ways, probe.hash, probe.bytes, absent)
}

#[cold]
#[inline(never)]
fn missed<R, const K: u8>(
    function: &Arc<Function>,
    mode: Mode,
    ways: fn() -> Ways<R::Value>,
    hash: u64,
    bytes: &[u8],
    absent: bool,
) -> Enter<R, K>
where
    R: Output<K>,
{
    match R::absent().filter(|_| absent) {
        Some(absent) => Enter::Done(absent),
        None => Enter::Wait(Start::new(function, mode, Probe { hash, bytes }), ways),
    }
}

/// The look in memory. Compiled once; all that it is given and gives fits into registers. Inlined, a hit would be a twelfth
/// shorter, and a release build of many functions 30 % longer.
#[inline(never)]
fn seek(function: &Arc<Function>, mode: Mode, hash: u64, bytes: &[u8], absent: &mut bool) -> Option<Shared> {
    if mode != Mode::Normal {
        return None;
    }
    function.memory.as_ref()?.value(&Probe { hash, bytes }, absent)
}

/// The same in what is in force, and whether it is known that there is none.
#[inline(never)]
fn seek_scoped(definition: &dyn Untyped, probe: Probe<'_>) -> (Option<Shared>, bool) {
    let looked = context::with(|caches, mode| seek_inside(definition.function(caches), mode, probe));
    looked.unwrap_or_else(|(function, mode)| seek_outside(&function, mode, probe))
}

#[inline(never)]
fn start_scoped(definition: &dyn Untyped, probe: Probe<'_>) -> Start {
    context::with(|caches, mode| Start::new(definition.function(caches), mode, probe))
}

/// The same while a scope is looked at, and whether it is known that there is none; `Err` where that could run code that enters one.
fn seek_inside(
    function: &Arc<Function>,
    mode: Mode,
    probe: Probe<'_>,
) -> Result<(Option<Shared>, bool), (Arc<Function>, Mode)> {
    if function.memory.as_ref().is_some_and(Memory::drops_in_reads) {
        return Err((Arc::clone(function), mode));
    }
    Ok(seek_outside(function, mode, probe))
}

fn seek_outside(function: &Arc<Function>, mode: Mode, probe: Probe<'_>) -> (Option<Shared>, bool) {
    let mut absent = false;
    (seek(function, mode, probe.hash, probe.bytes, &mut absent), absent)
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

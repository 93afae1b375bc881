//! The look in memory, compiled once: what it is given and gives fits into registers.
//!
//! Inlined, a hit was a twelfth shorter, and a release build of many functions 30 % longer.

use std::sync::Arc;

use crate::caches::context;
use crate::caches::definition::Untyped;
use crate::caches::function::Function;
use crate::entry::Shared;
use crate::key::{AT_HAND, Number};
use crate::policy::Mode;
use crate::tier::memory::{Glance, Memory, Probe};

/// The value that is kept for a key; whether it is kept that there is none goes to `absent`.
#[inline(never)]
pub(super) fn seek(memory: &Memory, hash: u64, bytes: &[u8], absent: &mut bool) -> Option<Shared> {
    let probe = Probe { hash, bytes };
    if bytes.len() <= AT_HAND {
        match memory.glance(probe, absent) {
            Glance::Hit(found) => return found,
            Glance::Miss => return None,
            Glance::Unsure => {}
        }
    }
    search(memory, probe, absent)
}

/// The same for a key that is one number.
#[inline(never)]
pub(super) fn seek_number(memory: &Memory, hash: u64, value: u64, absent: &mut bool) -> Option<Shared> {
    let number = Number { hash, value };
    match memory.glance(number, absent) {
        Glance::Hit(found) => found,
        Glance::Miss => None,
        Glance::Unsure => search_number(memory, number, absent),
    }
}

#[inline(never)]
fn search(memory: &Memory, probe: Probe<'_>, absent: &mut bool) -> Option<Shared> {
    memory.value(probe, absent)
}

#[inline(never)]
fn search_number(memory: &Memory, number: Number, absent: &mut bool) -> Option<Shared> {
    memory.value(number, absent)
}

/// The same in what is in force, and whether it is known that there is none.
#[inline(never)]
pub(super) fn seek_scoped(definition: &dyn Untyped, probe: Probe<'_>) -> (Option<Shared>, bool) {
    let looked = context::with(|caches, mode| seek_inside(definition.function(caches), mode, probe));
    looked.unwrap_or_else(|(function, mode)| seek_in(&function, mode, probe))
}

/// The same while a scope is looked at; `Err` where that could run code that enters one.
fn seek_inside(
    function: &Arc<Function>,
    mode: Mode,
    probe: Probe<'_>,
) -> Result<(Option<Shared>, bool), (Arc<Function>, Mode)> {
    if function.memory.as_ref().is_some_and(Memory::drops_in_reads) {
        return Err((Arc::clone(function), mode));
    }
    Ok(seek_in(function, mode, probe))
}

/// The same in a function's memory, if the mode allows it.
#[inline]
pub(super) fn seek_in(function: &Function, mode: Mode, probe: Probe<'_>) -> (Option<Shared>, bool) {
    let mut absent = false;
    let found = match &function.memory {
        Some(memory) if mode == Mode::Normal => seek(memory, probe.hash, probe.bytes, &mut absent),
        _ => None,
    };
    (found, absent)
}

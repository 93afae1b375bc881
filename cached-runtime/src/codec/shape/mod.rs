//! A fingerprint of what a type asks of its bytes, so that a changed type meets its old entries as misses.
//!
//! Called once per cache when it is set up. Knows nothing of codecs: serde lets a type say what it wants to read, and
//! a [`Probe`](probe::Probe) that answers with made-up values hears all of it, whatever codec is used later. An
//! entry's codec may therefore change without a flush.
//!
//! What counts: the kinds of all parts in order, names of fields and variants in order, arities. What does not: the
//! names of types (a rename is not a change of data). Types may ask differently in text and in binary formats (a
//! `Uuid` does), so both are asked.
//!
//! Where a type cannot be heard to the end (it takes whatever it is given, as `untagged` does, takes its fields by name
//! alone, as nothing derived does, refuses every sample, or panics at one), its Rust name counts too; a change in the unheard
//! part that keeps the name needs another `version`. That is safe in practice: the codecs without names can read neither
//! types that take whatever they are given nor those that want names.

mod parts;
mod probe;
mod samples;
mod survey;
mod terms;
#[cfg(test)]
mod tests;

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;
use twox_hash::XxHash3_64;

/// The most often a type is asked, for its variants and for samples that it takes.
const MAX_RUNS: usize = 4096;

/// A type that can be asked, as a value: whoever asks it is compiled once.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    name: fn() -> &'static str,
    ask: fn(&mut survey::Survey) -> Result<(), terms::Refusal>,
}

impl Subject {
    pub(crate) const fn of<T: DeserializeOwned>() -> Self {
        Self {
            name: type_name::<T>,
            ask: ask::<T>,
        }
    }
}

fn ask<T: DeserializeOwned>(survey: &mut survey::Survey) -> Result<(), terms::Refusal> {
    match T::deserialize(probe::Probe::of::<T>(survey)) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// The fingerprint of what `cache` keeps under this `version` of it. The same in every process and build.
pub(crate) fn fingerprint(subject: Subject, cache: &str, version: u32) -> u64 {
    let mut identity = Vec::new();
    identity.extend_from_slice(&(cache.len() as u64).to_le_bytes());
    identity.extend_from_slice(cache.as_bytes());
    identity.extend_from_slice(&version.to_le_bytes());
    let mut complete = true;
    for human_readable in [false, true] {
        let shape = trace(subject, human_readable);
        identity.extend_from_slice(&shape.digest);
        complete &= shape.complete;
    }
    if !complete {
        identity.extend_from_slice((subject.name)().as_bytes());
    }
    XxHash3_64::oneshot(&identity)
}

/// What a type asked for.
pub(super) struct Shape {
    /// A hash of each run.
    pub(super) digest: Vec<u8>,
    /// The type has been heard to the end.
    pub(super) complete: bool,
}

/// Asks a type again and again: another variant each time until every one has been seen, and once more with another
/// sample whenever the type refuses one.
pub(super) fn trace(subject: Subject, human_readable: bool) -> Shape {
    let mut survey = survey::Survey::new(human_readable);
    let mut digest = Vec::new();
    for _ in 0..MAX_RUNS {
        survey.begin();
        let ask = || (subject.ask)(&mut survey);
        // A type that panics at made-up values is heard no further.
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(ask)) else {
            break;
        };
        if let Err(refusal) = outcome {
            if survey.learn(&refusal) {
                continue;
            }
            survey.complete = false;
        }
        digest.extend_from_slice(&XxHash3_64::oneshot(&survey.transcript).to_le_bytes());
        if !survey.next_variant() {
            return Shape {
                digest,
                complete: survey.complete,
            };
        }
    }
    Shape {
        digest,
        complete: false,
    }
}

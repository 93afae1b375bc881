//! The same functions in the edition before.

#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]
#![expect(clippy::unused_async, reason = "bodies under test have nothing to wait for")]

mod arguments;
mod batches;
mod companions;
mod fixtures;
mod invalidation;
mod returns;
mod shapes;
mod surroundings;

pub use fixtures::{Runs, caches};

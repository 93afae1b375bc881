//! The public surface, word by word: one file for each argument of `#[cache]`, each form of `#[invalidate]`, each shape of
//! function and each public type. In memory, on a clock that the test moves; `far` stands for a remote store.

#![forbid(unsafe_code)]
#![deny(warnings)]

mod world;
mod far;

mod arguments;
mod functions;
mod companions;
mod invalidate;
mod update;
mod behind;
mod caches;
mod hostile;

//! Tiers: a store's place in a function's chain.
//!
//! `memory` holds typed values in this process, guarded by `stamps`; `remote` holds bytes in a store outside of it,
//! guarded by the store's tokens, and by `generation` where a store cannot find its keys; `age` says what is left of them.
//! Neither knows of the other.

mod age;
pub(crate) mod generation;
pub(crate) mod many;
pub(crate) mod memory;
pub(crate) mod remote;
mod sought;
pub(crate) mod stamps;
#[cfg(test)]
mod tests;

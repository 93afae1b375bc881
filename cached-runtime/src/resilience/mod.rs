//! What stands between a tier and a store that may be slow, down or lying.
//!
//! A [`Guarded`] store is what tiers talk to. It bounds every call by a time budget, stops asking after repeated
//! failures (a circuit breaker), keeps the removals that could not be delivered and replays them, and meanwhile
//! refuses to read the entries they are about. What is wrong with a store is logged here, and not by those who ask it. It
//! knows keys and bytes, neither functions nor values.

mod breaker;
mod failed;
pub(crate) mod generations;
mod guarded;
mod healing;
mod many;
mod owned;
mod pending;
mod removal;
mod troubles;

pub(crate) use failed::Failed;
pub(crate) use guarded::{Guarded, Looked};
pub(crate) use many::TOGETHER;
pub(crate) use owned::{OwnKeys, Owned};
pub(crate) use pending::{Matching, Test, What};
pub(crate) use troubles::Troubles;

//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! Modules in the order a call meets them.

mod codec;
mod error;
mod key;
mod store;
pub mod stores;

pub use crate::error::{Error, ErrorKind};
pub use crate::key::{Key, KeyArg, KeyPart, KeyWriter, Sequence, Written};
pub use crate::store::{BoxFuture, Filled, Found, Guarantees, Lookup, Store, Token};
pub use cached_macros::{KeyPart, cache, invalidate};

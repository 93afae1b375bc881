//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! Modules in the order a call meets them.

#[cfg_attr(not(test), expect(dead_code, reason = "its callers, the tiers, come next"))]
mod codec;
mod error;
mod key;
mod store;
pub mod stores;

pub use crate::codec::Codec;
pub use crate::error::{Error, ErrorKind};
pub use crate::key::{Key, KeyArg, KeyPart, KeyWriter, Sequence, Written};
pub use crate::store::{BoxFuture, Filled, Found, Guarantees, Lookup, Store, Token};
pub use cached_macros::{KeyPart, cache, invalidate};

/// Parsers and renderers as plain functions, for properties and fuzz targets. Not for users: changes without notice.
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::key::fuzzing as key;
}

/// Compiles and runs the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

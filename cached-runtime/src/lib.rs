//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! Modules in the order a call meets them.

#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(dead_code, reason = "its callers, the tiers, come next")
)]
mod codec;
mod error;
mod key;
mod store;
pub mod stores;

pub use crate::codec::Codec;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub use crate::codec::fuzzing;
pub use crate::error::{Error, ErrorKind};
pub use crate::store::{BoxFuture, Filled, Found, Guarantees, Lookup, Store, Token};
pub use cached_macros::{KeyPart, cache, invalidate};

//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! Modules in the order a call meets them.

#[doc(hidden)]
pub mod __private;
mod background;
mod caches;
mod call;
mod clock;
mod codec;
mod entry;
mod error;
mod fill;
mod flight;
mod handles;
mod hooks;
mod invalidate;
mod key;
mod policy;
mod resilience;
mod stats;
mod store;
pub mod stores;
mod tier;

pub use crate::caches::context::with_mode;
pub use crate::caches::{Caches, CachesBuilder};
pub use crate::call::share::{LoadFailed, SharedError};
pub use crate::codec::Codec;
pub use crate::error::{Error, ErrorKind};
pub use crate::handles::{Cache, Entry};
pub use crate::key::{Key, KeyArg, KeyPart, KeyWriter, Sequence, Written};
pub use crate::policy::Mode;
pub use crate::stats::{CacheStats, Stats, StoreStats, TierStats};
pub use crate::store::{BoxFuture, Filled, Found, Guarantees, Lookup, Store, Token};
pub use cached_macros::{KeyPart, cache, invalidate};

/// For tests: a clock that is moved by hand.
#[cfg(feature = "testing")]
pub mod testing {
    pub use crate::clock::ManualClock;
}

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

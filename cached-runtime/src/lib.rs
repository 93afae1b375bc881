//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! [`macro@cache`] and [`invalidate`] list their arguments; [`KeyPart`] is what keys are made of. Beside a cached function
//! stand companions that return an [`Entry`] or a [`Cache`]. All of them work on the [`Caches`] in force, which needs no
//! set-up: see [`Caches::from_env`]. [`Store`] is for those who bring a store of their own.
//!
//! ```
//! use cached_runtime::{cache, invalidate};
//!
//! #[cache(key = "user:{id}", ttl = "1h")]
//! async fn get_user(id: u64) -> Option<String> {
//!     Some(format!("user {id}"))
//! }
//!
//! #[invalidate(get_user(id))]
//! async fn rename_user(id: u64, name: &str) {}
//! ```

// Modules in the order a call meets them.
#[doc(hidden)]
pub mod __private;
mod call;
mod caches;
mod handles;
mod invalidate;
mod fill;
mod behind;
mod flight;
mod tier;
mod resilience;
mod background;
mod together;
mod store;
pub mod stores;
mod codec;
mod hooks;
mod kept;
mod entry;
mod key;
mod plan;
mod policy;
mod stats;
mod clock;
mod error;

#[cfg(feature = "testing")]
pub mod testing;

pub use crate::behind::{BehindEntry, FailedWrite};
pub use crate::caches::context::with_mode;
pub use crate::caches::{CacheBuilder, Caches, CachesBuilder, TierBuilder};
pub use crate::call::share::{LoadFailed, SharedError};
pub use crate::call::{Loadable, Loader};
pub use crate::codec::Codec;
pub use crate::error::{Error, ErrorKind};
pub use crate::handles::{Cache, Entry};
pub use crate::key::{Key, KeyArg, KeyPart, KeyWriter, Sequence, Written};
pub use crate::policy::{Mode, Strategy};
pub use crate::stats::{CacheStats, Stats, StoreStats, TierStats};
pub use crate::store::{BoxFuture, Filled, Filling, Found, Guarantees, Lookup, Store, Token};
pub use cached_macros::{KeyPart, cache, invalidate, update};

/// Parsers and renderers as plain functions, for properties and fuzz targets. Not for users: changes without notice.
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::codec::fuzzing as codec;
    pub use crate::key::fuzzing as key;
}

/// Compiles and runs the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

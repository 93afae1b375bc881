//! Turns calls of async functions into look-ups in tiers of stores.
//!
//! [`macro@cache`], [`invalidate`] and [`update`] list their arguments; [`KeyPart`] is what keys are made of. Beside a cached
//! function stand companions that return an [`Entry`] or a [`Cache`]; [`Caches::cache`] makes a cache where there is no
//! function. All of them work on the [`Caches`] in force, which needs no set-up: see [`Caches::from_env`], and
//! [`Caches::builder`] for settings as code. [`with_mode`] loads anew or goes past every cache, [`Caches::stats`] says what
//! happened, and [`Caches::shutdown`] stands at the end of a program. The stores are in [`stores`]; [`Store`] is for those
//! who bring one of their own.
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
//!
//! The runtime is tokio. What goes wrong is told with `tracing`, and to nobody where the program has no subscriber.
//!
//! # Features
//!
//! Memory is always there.
//!
//! | feature | what it adds |
//! |---|---|
//! | `bincode` (on by default), `postcard`, `messagepack`, `json` | a [`Codec`] |
//! | `redis` | the store [`Redis`](stores::Redis) |
//! | `memcached` | the store [`Memcached`](stores::Memcached) |
//! | `mysql`, `postgres`, `sqlite` | a driver of the store [`Sql`](stores::Sql) |
//! | `tls` | encrypted connections to Redis and to SQL servers |
//! | `moka` | a second memory engine, by the name `moka` |
//! | `uuid`, `chrono`, `time` | [`KeyPart`] for types of these crates |
//! | `testing` | [`testing`]: a clock that tests move, and a suite for stores |

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
pub use crate::call::{Loadable, LoadableMany, Loader};
pub use crate::codec::Codec;
pub use crate::error::{Error, ErrorKind};
pub use crate::handles::{Cache, Entry, EntryOf};
pub use crate::key::{Key, KeyArg, KeyPart, KeyWriter, Sequence, Written};
pub use crate::policy::{Mode, Strategy};
pub use crate::stats::{CacheStats, Stats, StoreStats, TierStats};
pub use crate::store::{BoxFuture, Filled, Filling, Found, Guarantees, Lookup, Store, TimeBudget, Token};
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

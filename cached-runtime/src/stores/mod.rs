//! The stores this crate brings.
//!
//! Each is one file or folder that names its driver crate and implements [`Store`](crate::Store); nothing else in the
//! crate knows which of them exist. Whoever has read one has read them all: address, link, commands.

pub(crate) mod local;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "moka")]
pub(crate) mod moka;
mod null;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(any(feature = "redis", feature = "memcached"))]
mod together;

#[cfg(feature = "memcached")]
pub use self::memcached::{Memcached, MemcachedBuilder};
pub use self::null::Null;
#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisBuilder};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use self::sql::{Sql, SqlBuilder};

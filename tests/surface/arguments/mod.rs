//! The arguments of `#[cache]`.

mod backend;
mod cache_if;
mod caches;
mod capacity;
mod companions;
mod entries;
mod expires;
mod idle;
mod in_impl;
mod jitter;
mod key;
mod krate;
mod max_bytes;
mod meanwhile;
mod name;
mod none_ttl;
mod refresh;
mod remote;
mod share_error;
mod single_flight;
mod skip;
mod stale;
mod strategy;
mod tier;
mod ttl;

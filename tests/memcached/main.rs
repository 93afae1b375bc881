//! Cached functions over real Memcached servers, one module for each promise.

mod batches;
mod chain;
mod environment;
mod generations;
mod outage;
mod race;
mod setup;
mod writers;

//! Caches that are made by name: how they are described, what their entries do, and that whatever is done to all caches is
//! done to them.

#![forbid(unsafe_code)]
#![deny(warnings)]
#![expect(dead_code, reason = "some functions are collected, not called")]

mod behind;
mod describe;
mod functions;
mod keys;
mod load_many;
mod loads;
mod many;
mod memcached;
mod redis;
mod refusals;
mod reload;
mod same;
mod setup;
mod update;
mod update_many;
mod whole;

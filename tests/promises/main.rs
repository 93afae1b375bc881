//! No stale fill: once an invalidation has returned, nothing that was loaded before it is served or stored.
#![deny(warnings)]
#![forbid(unsafe_code)]

mod chain;
mod chains;
mod kept;
mod memory;
mod model;
mod source;
mod stops;
mod storm;

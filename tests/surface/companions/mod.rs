//! What stands beside a cached function.

mod cache;
mod entry;
mod key_arg;
mod uncached;

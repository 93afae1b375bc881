//! Cached functions over real SQL databases, one module for each promise.

mod batches;
mod chain;
mod environment;
mod functions;
mod hostile;
mod pools;
mod restart;
mod warm;

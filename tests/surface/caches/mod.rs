//! `Caches`: what is in force where, and what can be done to all entries.

mod apart;
mod disabled;
mod invalidate;
mod mode;
mod namespace;
mod scope;
mod settle;
mod shutdown;
mod stats;

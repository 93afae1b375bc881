//! Every example, run as a program. Ordinary `cargo test` builds the programs; one test alone (`--test examples`) takes those
//! that are there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up has failed the test"
)]

#[cfg(feature = "sqlite")]
mod chain;
mod own_store;
mod place;
mod quickstart;
mod refresh_ahead;
#[cfg(unix)]
mod service;
mod without_attribute;

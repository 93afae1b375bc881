//! Every example, run as a program. Ordinary `cargo test` builds the programs; one test alone (`--test examples`) takes those
//! that are there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up has failed the test"
)]

mod place;
mod quickstart;
#[cfg(unix)]
mod service;
mod writers;

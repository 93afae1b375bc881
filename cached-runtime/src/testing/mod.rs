//! For tests: of programs that cache, and of stores. Behind the feature `testing`.

pub mod conformance;

pub use crate::clock::ManualClock;

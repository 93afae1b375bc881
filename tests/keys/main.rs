//! What can be part of a key and what can stand for an argument, as users write it: under the strictest lints, and with
//! modules of their own that have the names of the standard ones.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

mod args;
mod derive;

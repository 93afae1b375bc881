//! Chains of real stores of several kinds.

#![forbid(unsafe_code)]
#![deny(warnings)]

mod depth;
mod kept;
mod table;

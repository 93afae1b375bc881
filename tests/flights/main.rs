//! One load for all who ask at the same time: who runs it, who takes over, who gets its error, and what is left behind.
#![deny(warnings)]
#![forbid(unsafe_code)]

mod batches;
mod crowd;
mod dropped;
mod errors;
mod kept;
mod nested;
mod off;
mod panics;
mod reentrant;
mod sends;
mod shared;
mod solo;
mod storm;

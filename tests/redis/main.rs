//! Cached functions over real Redis servers, one module for each promise.

mod ages;
mod chain;
mod codecs;
mod environment;
mod handles;
mod hooked;
mod hostile;
mod keys;
mod late;
mod modes;
mod outage;
mod patterns;
mod pending;
mod program;
mod puts;
mod processes;
mod restart;
mod schema;
mod secure;
mod setup;
mod several;

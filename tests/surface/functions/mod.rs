//! The shapes of functions that can be cached.

mod again;
mod aliases;
mod arcs;
mod attributes;
mod borrowed;
mod futures;
mod generic;
mod macros;
mod methods;
mod names;
mod nested;
mod owned;
mod recursion;
mod returns;
mod traits;
mod visibility;

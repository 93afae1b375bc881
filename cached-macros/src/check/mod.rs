//! Every rule: what the parsing accepts and must not be together. Everything that is wrong is noted before anything is decided.

mod cache;
mod chain;
mod closures;
mod invalidate;
mod key;
mod life;
mod owned;
mod signature;

pub(crate) use cache::cache;
pub(crate) use invalidate::invalidate;

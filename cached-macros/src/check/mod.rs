//! Every rule: what the parsing accepts and must not be together. Everything that is wrong is noted before anything is decided.

mod batch;
mod behind;
mod cache;
mod chain;
mod closures;
mod entries;
mod invalidate;
mod key;
mod life;
mod owned;
mod place;
mod signature;
mod update;

pub(crate) use batch::batch;
pub(crate) use cache::cache;
pub(crate) use invalidate::invalidate;
pub(crate) use place::{is_of_async_trait, is_of_trait};
pub(crate) use update::update;

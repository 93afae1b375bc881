//! A handle on one entry, and one on a whole cache: what the companions of a cached function return, and what
//! [`Caches::cache`](crate::Caches::cache) makes for code that has no function to annotate.

mod cache;
mod entry;
mod reload;
mod update;

pub use self::cache::Cache;
pub(crate) use self::cache::Whole;
pub use self::entry::{AnyEntry, Entry};
use crate::caches::function::Function;
use crate::{Error, ErrorKind};

/// A key that was not made of a function's arguments.
fn astray(function: &Function) -> Error {
    let what = format!(
        "the entries of the cached function `{}` are made by its companion, `.._entry(..)`, from its arguments",
        function.name
    );
    Error::new(ErrorKind::Unsupported, what)
}

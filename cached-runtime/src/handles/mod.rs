//! A handle on one entry, and one on a whole cache: what the companions of a cached function return, and what
//! [`Caches::cache`](crate::Caches::cache) makes for code that has no function to annotate.

mod cache;
mod entry;
mod many;
mod reload;
mod sought;
mod update;

pub use self::cache::Cache;
pub(crate) use self::cache::Whole;
pub use self::entry::Entry;
pub use self::sought::EntryOf;
use crate::caches::function::Function;
use crate::{Error, ErrorKind};

/// A key that was not made of a function's arguments.
fn astray(function: &Function) -> Error {
    let what = format!(
        "the entries of the cached function `{}` are made by its companion, `.._entry(..)`, from its arguments: to look for \
         many give `get_many` what that makes, to load many annotate a batch, `#[cache(entries(..))]`",
        function.name
    );
    Error::new(ErrorKind::Unsupported, what)
}

//! What was written between an attribute's parentheses, with the places where it was written. Says what a single argument may look like;
//! how arguments go together is for `check`.

mod cache;
mod invalidate;
mod list;
mod literal;

pub(crate) use cache::{Backend, CacheArgs, Refresh, Strategy, Tier, Ttl};
pub(crate) use invalidate::{Arguments, Call, InvalidateArgs, Owner, Target, When};

use syn::Ident;

/// A value and the name of the option it was given for.
pub(crate) struct Opt<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
}

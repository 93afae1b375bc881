//! What was written between an attribute's parentheses, with the places where it was written. Says what a single argument may look like;
//! how arguments go together is for `check`.

mod cache;
mod entries;
mod invalidate;
mod list;
mod literal;
mod strangers;
mod update;

pub(crate) use cache::{Backend, CacheArgs, Refresh, Strategy, Tier, Ttl};
pub(crate) use entries::Entries;
pub(crate) use invalidate::{Arguments, Call, InvalidateArgs, Owner, Target, When};
pub(crate) use update::{Each, Update, UpdateArgs};

use syn::Ident;

/// A value and the name of the option it was given for.
pub(crate) struct Opt<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
}

//! What the expansion is to be: lawful arguments with every default filled in. The printing looks at nothing else.

mod batch;
mod cache;
mod invalidate;
mod key;
mod stand_ins;
mod update;
mod value;

pub(crate) use batch::{BatchPlan, IdsForm, Passed};
pub(crate) use cache::{CachePlan, Hooks, Spec};
pub(crate) use invalidate::{Entry, Removal, Text, Word, WriterPlan};
pub(crate) use key::{Key, Part};
pub(crate) use stand_ins::StandIns;
pub(crate) use update::{BehindPlan, Update, Value};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

/// The module that generated code goes through.
fn door(krate: Option<&Path>) -> TokenStream {
    krate.map_or_else(
        || quote_spanned!(Span::mixed_site()=> ::cached_runtime::__private),
        |krate| quote!(#krate::__private),
    )
}

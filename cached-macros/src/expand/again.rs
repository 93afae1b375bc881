//! A hidden sibling of a function whose hits load in the background: the body as a future that borrows nothing.
//!
//! Beside the function and not in it, with a type that is written down: whether the future can cross threads is asked
//! here, where the function's own future is known. Asked inside of a function that calls itself, it would have no answer.

use super::{attributes, call, entry, owned};
use crate::names::Companions;
use crate::plan::CachePlan;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote;

pub(super) fn sibling(plan: &CachePlan, names: &Companions) -> Option<TokenStream> {
    if !plan.spec.reloads() {
        return None;
    }
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = entry::lints();
    let (door, output) = (&plan.door, &plan.output);
    let mut sig = call::without_mut(&plan.function.sig);
    sig.ident = names.again.clone();
    sig.asyncness = None;
    sig.output = parse_quote!(-> #door::Anew<#output>);
    let owned::Owned { copies, arguments } = owned::arguments(&plan.function, door, None);
    let body = call::of(plan, &names.uncached, &arguments);
    let made = quote_spanned!(Span::mixed_site()=> #door::anew(async move { #body.await }));
    Some(quote! {
        #attrs
        #[doc(hidden)]
        #lints
        #sig {
            #copies
            #made
        }
    })
}

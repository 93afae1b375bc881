//! `f_cache()`: the whole cache of the function.

use super::{attributes, definition, entry};
use crate::names::{Companions, local};
use crate::plan::CachePlan;
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn companion(plan: &CachePlan, names: &Companions) -> TokenStream {
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = entry::lints();
    let vis = &plan.function.vis;
    let (cache, function) = (&names.cache, &plan.function.sig.ident);
    let generics = &plan.function.sig.generics;
    let where_clause = &generics.where_clause;
    let (door, value) = (&plan.door, &plan.value);
    let doc = format!("The cache of [`{}{function}`]: all of its entries.", owner(plan));
    let reference = definition::reference(plan, names);
    let caches = local("caches");
    let (input, made) = match &plan.caches {
        Some(_) => (
            Some(quote!(#caches: &#door::Caches)),
            quote!(#door::cache_in(#caches, #reference)),
        ),
        None => (None, quote!(#door::cache(#reference))),
    };
    quote! {
        #attrs
        #[doc = #doc]
        #lints
        #vis fn #cache #generics (#input) -> #door::Cache<#value> #where_clause {
            #made
        }
    }
}

/// `Self::`, where documentation has to say it.
pub(super) fn owner(plan: &CachePlan) -> &'static str {
    if plan.in_impl { "Self::" } else { "" }
}

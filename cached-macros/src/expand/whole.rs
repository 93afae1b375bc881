//! `f_cache()`: the whole cache of the function.

use super::{attributes, definition, entry};
use crate::names::{Companions, local};
use crate::plan::CachePlan;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

pub(super) fn companion(plan: &CachePlan, names: &Companions) -> TokenStream {
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = entry::lints();
    let vis = &plan.function.vis;
    let (cache, function) = (&names.cache, &plan.function.sig.ident);
    let generics = &plan.function.sig.generics;
    let where_clause = &generics.where_clause;
    let (door, value) = (&plan.door, &plan.value);
    let doc = format!("The cache of [`{}{function}`]: all of its entries.", owner(plan));
    let definition = local("__definition");
    let reference = definition::reference(plan, names);
    let input = plan.at_value(&quote!(#definition));
    let caches = local("caches");
    let (input, made) = match &plan.caches {
        Some(_) => (Some(quote!(#caches: &#door::Caches)), {
            let cache = plan.at_value(&quote_spanned!(Span::mixed_site()=> #door::cache_in));
            quote!(#cache(#caches, #input))
        }),
        None => (None, {
            let cache = plan.at_value(&quote_spanned!(Span::mixed_site()=> #door::cache));
            quote!(#cache(#input))
        }),
    };
    quote! {
        #attrs
        #[doc = #doc]
        #lints
        #vis fn #cache #generics (#input) -> #door::Cache<#value> #where_clause {
            let #definition = #reference;
            #made
        }
    }
}

/// `Self::`, where documentation has to say it.
pub(super) fn owner(plan: &CachePlan) -> &'static str {
    if plan.in_impl { "Self::" } else { "" }
}

//! The companions of a function whose attribute has mistakes.

use super::{attributes, entry as entries};
use crate::function::Function;
use crate::names::Companions;
use crate::plan::StandIns;
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn companions(function: &Function, plan: &StandIns) -> TokenStream {
    let StandIns {
        door,
        names,
        inputs,
        value,
        ..
    } = plan;
    let Companions {
        entry,
        entry_of_self,
        cache,
        ..
    } = names;
    let kind = entries::kind(plan.strategy);
    let attrs = attributes::on_companion(&function.attrs);
    let lints = quote!(#[allow(warnings)] #[cfg_attr(clippy, allow(clippy::all, clippy::pedantic))]);
    let vis = &function.vis;
    let generics = &function.sig.generics;
    let where_clause = &generics.where_clause;
    let receiver = plan.receiver.then(|| quote!(&self,));
    let of_self = function.receiver().map(|_| {
        quote! {
            #attrs
            #[doc(hidden)]
            #lints
            #vis fn #entry_of_self #generics (&self, #(#inputs),*) -> #door::#kind<#value> #where_clause { loop {} }
        }
    });
    let caches = plan.caches.then(|| quote!(_: &#door::Caches));
    let uncached = plan.uncached.as_ref().map(|(sig, body)| {
        quote! {
            #attrs
            #[doc(hidden)]
            #lints
            #vis #sig { #body }
        }
    });
    quote! {
        #attrs
        #[doc(hidden)]
        #lints
        #vis fn #entry #generics (#receiver #(#inputs),*) -> #door::#kind<#value> #where_clause { loop {} }
        #of_self
        #attrs
        #[doc(hidden)]
        #lints
        #vis fn #cache #generics (#caches) -> #door::Cache<#value> #where_clause { loop {} }
        #uncached
    }
}

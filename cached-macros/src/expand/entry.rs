//! `f_entry(..)`: the entry of these key arguments.

use super::{attributes, definition, key};
use crate::names::{Companions, local};
use crate::plan::CachePlan;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

pub(super) fn companion(plan: &CachePlan, names: &Companions) -> TokenStream {
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = lints();
    let vis = &plan.function.vis;
    let (entry, function) = (&names.entry, &plan.function.sig.ident);
    let generics = &plan.function.sig.generics;
    let where_clause = &generics.where_clause;
    let (door, value) = (&plan.door, &plan.value);
    let doc = format!(
        "The entry of [`{}{function}`] for these key arguments.",
        super::whole::owner(plan)
    );
    let mut inputs: Vec<TokenStream> = Vec::new();
    inputs.extend(plan.key.receiver.then(|| quote!(&self)));
    let caches = local("caches");
    inputs.extend(plan.caches.is_some().then(|| quote!(#caches: &#door::Caches)));
    inputs.extend(plan.key.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        match (argument.by_reference, ty) {
            (true, Type::TraitObject(_)) => quote!(#name: &(#ty)),
            (true, _) => quote!(#name: &#ty),
            (false, _) => quote!(#name: impl #door::KeyArg<#ty>),
        }
    }));
    let definition = local("__definition");
    let reference = definition::reference(plan, names);
    let (key, buffer) = (key::of_entry(plan), key::buffer());
    let input = plan.at_value(&quote!(#definition));
    let made = if plan.caches.is_some() {
        let entry = plan.at_value(&quote_spanned!(Span::mixed_site()=> #door::entry_in));
        quote!(#entry(#caches, #input, &#buffer))
    } else {
        let entry = plan.at_value(&quote_spanned!(Span::mixed_site()=> #door::entry));
        quote!(#entry(#input, &#buffer))
    };
    quote! {
        #attrs
        #[doc = #doc]
        #lints
        #vis fn #entry #generics (#(#inputs),*) -> #door::Entry<#value> #where_clause {
            let #definition = #reference;
            #key
            #made
        }
    }
}

/// Companions are there for those who want them, and their signatures are not the user's.
pub(super) fn lints() -> TokenStream {
    quote!(#[allow(dead_code, unreachable_pub, private_interfaces, private_bounds, clippy::all, clippy::pedantic, clippy::nursery)])
}

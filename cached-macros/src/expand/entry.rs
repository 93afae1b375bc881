//! `f_entry(..)`: the entry of these key arguments.

use super::{attributes, call, definition, key};
use crate::args::Strategy;
use crate::names::{Companions, local};
use crate::plan::CachePlan;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
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
    let receiver = plan.key.receiver.then(|| quote!(&self,));
    let inputs = inputs(plan);
    let caches = local("caches");
    let definition = local("__definition");
    let reference = definition::reference(plan, names);
    let (key, buffer) = (key::of_entry(plan), key::buffer());
    let made = if plan.caches.is_some() {
        quote!(#door::entry_in(#caches, #definition, &#buffer))
    } else {
        quote!(#door::entry(#definition, &#buffer))
    };
    let kind = kind(plan.spec.strategy);
    let made = if plan.spec.strategy == Strategy::WriteBehind {
        quote!(#door::#kind::of(#made))
    } else {
        made
    };
    quote! {
        #attrs
        #[doc = #doc]
        #lints
        #vis fn #entry #generics (#receiver #(#inputs),*) -> #door::#kind<#value> #where_clause {
            let #definition = #reference;
            #key
            #made
        }
    }
}

/// The same as a method, hidden: `self.f(id)` in `#[invalidate]` cannot know whether the key uses `self`.
pub(super) fn of_self(plan: &CachePlan, names: &Companions) -> Option<TokenStream> {
    plan.function.receiver()?;
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = lints();
    let vis = &plan.function.vis;
    let (entry, of_self) = (&names.entry, &names.entry_of_self);
    let generics = &plan.function.sig.generics;
    let where_clause = &generics.where_clause;
    let (door, value) = (&plan.door, &plan.value);
    let inputs = inputs(plan);
    let caches = local("caches");
    let passed = plan.caches.is_some().then_some(&caches).into_iter();
    let passed = passed.chain(plan.key.arguments.iter().map(|argument| &argument.name));
    let receiver = plan.key.receiver.then(|| quote!(self,));
    let turbofish = call::turbofish(plan);
    let kind = kind(plan.spec.strategy);
    Some(quote! {
        #attrs
        #[doc(hidden)]
        #lints
        #vis fn #of_self #generics (&self, #(#inputs),*) -> #door::#kind<#value> #where_clause {
            Self::#entry #turbofish (#receiver #(#passed),*)
        }
    })
}

/// The type of the entries.
pub(super) fn kind(strategy: Strategy) -> Ident {
    Ident::new(
        if strategy == Strategy::WriteBehind {
            "BehindEntry"
        } else {
            "Entry"
        },
        Span::mixed_site(),
    )
}

/// What it takes, after `&self`.
fn inputs(plan: &CachePlan) -> Vec<TokenStream> {
    let door = &plan.door;
    let caches = local("caches");
    let caches = plan.caches.is_some().then(|| quote!(#caches: &#door::Caches));
    let arguments = plan.key.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        match (argument.by_reference, ty) {
            (true, Type::TraitObject(_)) => quote!(#name: &(#ty)),
            (true, _) => quote!(#name: &#ty),
            (false, _) => quote!(#name: impl #door::KeyArg<#ty>),
        }
    });
    caches.into_iter().chain(arguments).collect()
}

/// Companions are there for those who want them, and their signatures are not the user's. The names in these are, and his
/// lints have looked at them where he wrote them.
pub(super) fn lints() -> TokenStream {
    quote! {
        #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds, unused_lifetimes, single_use_lifetimes, non_snake_case)]
        #[cfg_attr(clippy, allow(clippy::all, clippy::pedantic, clippy::nursery))]
    }
}

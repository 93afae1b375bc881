//! The definition of the cache: statics that the whole program collects, and the closures that look at values.

use super::{attributes, call};
use crate::args::{Backend, Refresh, Strategy, Tier};
use crate::names::{Companions, MEMORY, borrowed, located};
use crate::plan::{CachePlan, Hooks, Spec};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::time::Duration;
use syn::ext::IdentExt;
use syn::{ExprClosure, LitStr};

/// A hidden sibling that the function and its companions share.
pub(super) fn sibling(plan: &CachePlan, names: &Companions) -> TokenStream {
    let attrs = attributes::on_companion(&plan.function.attrs);
    let lints = super::entry::lints();
    let definition = &names.definition;
    let generics = &plan.function.sig.generics;
    let where_clause = &generics.where_clause;
    let (door, value) = (&plan.door, &plan.value);
    let statics = statics(plan);
    let values = values(plan, &quote!(#door::WayProbe::<#value>::NEW));
    let made = quote!(#door::Definition::<#value>::new(&__SITE, #values));
    let made = with_closures(plan, made);
    quote! {
        #attrs
        #[doc(hidden)]
        #lints
        fn #definition #generics () -> #door::Definition<#value> #where_clause {
            #statics
            #made
        }
    }
}

/// A call of that sibling.
pub(super) fn reference(plan: &CachePlan, names: &Companions) -> TokenStream {
    let definition = &names.definition;
    let owner = plan.in_impl.then(|| quote!(Self::));
    let turbofish = call::turbofish(plan);
    quote!(#owner #definition #turbofish ())
}

/// The same in the function, where the type that the siblings were given is compared with what it returns.
pub(super) fn of_shape(plan: &CachePlan, names: &Companions, shape: &Ident) -> TokenStream {
    let reference = reference(plan, names);
    let checked = located(
        quote_spanned!(Span::mixed_site()=> .of(#shape)),
        plan.value_span.0,
    );
    quote!(#reference #checked)
}

/// The definition where no sibling may stand: inside of the function, its type taken from what the function returns.
pub(super) fn inline(plan: &CachePlan, shape: &Ident) -> TokenStream {
    let door = &plan.door;
    let values = values(plan, &quote!(#shape.values()));
    with_closures(plan, quote!(#door::define(#shape, &__SITE, #values)))
}

/// Where the values may be kept: the one place that asks whether theirs is a type that can be.
fn values(plan: &CachePlan, probe: &TokenStream) -> TokenStream {
    let door = &plan.door;
    let function = if plan.spec.memory_only {
        quote_spanned!(Span::mixed_site()=> #door::memory_values)
    } else {
        quote_spanned!(Span::mixed_site()=> #door::remote_values)
    };
    plan.at_value(quote_spanned!(Span::mixed_site()=> #function(#door::way!(#probe))))
}

/// The definition with the user's closures. They may mean another thing in each instantiation, and a closure of ours is
/// of another type in each.
fn with_closures(plan: &CachePlan, definition: TokenStream) -> TokenStream {
    let Hooks {
        ttl,
        expires,
        cache_if,
        weight,
    } = &plan.hooks;
    if ttl.is_none() && expires.is_none() && cache_if.is_none() && weight.is_none() {
        return definition;
    }
    let door = &plan.door;
    let ttl = ttl.as_ref().map(|closure| hook("ttl", closure));
    let expires = expires.as_ref().map(|closure| hook("expires", closure));
    let cache_if = cache_if.as_ref().map(|closure| hook("cache_if", closure));
    let weight = weight.as_ref().map(|closure| hook("weight", closure));
    // Asks for `'static`, as the values do: at the same place, to be told once.
    let with_closures = plan.at_value(quote_spanned!(Span::mixed_site()=> #door::with_closures));
    quote!(#with_closures(#definition #ttl #expires #cache_if #weight, &|| {}))
}

/// A call whose every word is reported at the closure, if that is of another type.
fn hook(method: &str, closure: &ExprClosure) -> TokenStream {
    let first = closure.to_token_stream().into_iter().next();
    let span = first.map_or_else(Span::call_site, |first| first.span());
    let method = Ident::new(method, Span::mixed_site().located_at(span));
    quote!(.#method(#closure))
}

/// What every instantiation has in common.
pub(super) fn statics(plan: &CachePlan) -> TokenStream {
    let door = &plan.door;
    let function = plan.function.sig.ident.unraw().to_string();
    let fields = fields(plan);
    quote! {
        enum __Path {}
        static __SPEC: #door::Spec = #door::Spec {
            #fields
            ..#door::Spec::new(#function, #door::type_name::<__Path>, ::core::file!(), ::core::line!())
        };
        static __SITE: #door::Site = #door::Site::new(&__SPEC);
        #door::inventory::submit! { &__SITE }
    }
}

/// What the user said, or what follows from it. The rest is the runtime's default.
fn fields(plan: &CachePlan) -> TokenStream {
    let door = &plan.door;
    let Spec {
        name,
        ttl,
        jitter,
        none_ttl,
        idle,
        refresh,
        stale,
        backend,
        tiers,
        capacity,
        max_bytes,
        codec,
        version,
        compress,
        ..
    } = &plan.spec;
    let mut fields = TokenStream::new();
    let mut field = |field: &str, value: TokenStream| {
        let field = Ident::new(field, Span::call_site());
        fields.extend(quote!(#field: #value,));
    };
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    if let Some(name) = name {
        field("name", some(quote!(#name)));
    }
    if let Some(template) = &plan.key.template {
        let piece = |text: &String| quote!(#door::Piece::Text(#text));
        let value = || quote!(#door::Piece::Value);
        let pieces = template
            .iter()
            .map(|text| text.as_ref().map_or_else(value, piece));
        field("template", some(quote!(&[#(#pieces),*])));
    }
    let values = plan.key.parts.len();
    field("values", quote!(#values));
    if let Some(ttl) = ttl {
        field("ttl", some(duration(*ttl)));
    }
    if let Some(jitter) = jitter {
        field("jitter", quote!(#jitter));
    }
    if let Some(none_ttl) = none_ttl {
        field("none_ttl", some(duration(*none_ttl)));
    }
    if let Some(idle) = idle {
        field("idle", some(duration(*idle)));
    }
    if let Some(refresh) = refresh {
        field("refresh", some(self::refresh(*refresh, door)));
    }
    if let Some(stale) = stale {
        field("stale", some(duration(*stale)));
    }
    if let Some(backend) = backend {
        field("backend", self::backend(backend, door));
    }
    if !tiers.is_empty() {
        let tiers = tiers.iter().map(|tier| self::tier(tier, backend.as_ref(), door));
        field("tiers", quote!(&[#(#tiers),*]));
    }
    if let Some(capacity) = capacity {
        field("capacity", some(quote!(#capacity)));
    }
    if let Some(max_bytes) = max_bytes {
        field("max_bytes", some(quote!(#max_bytes)));
    }
    if !plan.spec.single_flight {
        field("single_flight", quote!(false));
    }
    if let Some(codec) = codec {
        field(
            "codec",
            some(located(quote!(#door::codec!(#codec)), codec.span())),
        );
    }
    if let Some(version) = version {
        field("version", quote!(#version));
    }
    if let Some(compress) = compress {
        field("compress", some(quote!(#compress as ::core::primitive::usize)));
    }
    match plan.spec.strategy {
        Strategy::CacheAside => {}
        Strategy::WriteBehind => field("strategy", quote!(#door::Strategy::WriteBehind)),
        Strategy::RefreshAhead => field("strategy", quote!(#door::Strategy::RefreshAhead)),
        Strategy::WriteThrough => field("strategy", quote!(#door::Strategy::WriteThrough)),
    }
    if plan.spec.memory_only {
        field("memory_only", quote!(true));
    }
    fields
}

fn refresh(refresh: Refresh, door: &TokenStream) -> TokenStream {
    match refresh {
        Refresh::Part(part) => quote!(#door::Refresh::Part(#part)),
        Refresh::Age(age) => {
            let age = duration(age);
            quote!(#door::Refresh::Age(#age))
        }
    }
}

fn backend(backend: &Backend, door: &TokenStream) -> TokenStream {
    match backend {
        Backend::Names(names) => {
            let stores = names.iter().map(|name| store(name, door));
            quote!(::core::option::Option::Some(&[#(#stores),*]))
        }
        Backend::Const(path) => {
            // An array or a slice.
            let chain = borrowed(&path.to_token_stream());
            quote!(#door::chain(#chain))
        }
    }
}

fn tier(tier: &Tier, backend: Option<&Backend>, door: &TokenStream) -> TokenStream {
    let store = of_chain(&tier.store, backend, door);
    let ttl = tier.ttl.as_ref().map(|ttl| {
        let ttl = duration(ttl.value);
        quote!(ttl: ::core::option::Option::Some(#ttl),)
    });
    let capacity = tier.capacity.as_ref().map(|capacity| {
        let capacity = capacity.value;
        quote!(capacity: ::core::option::Option::Some(#capacity),)
    });
    let max_bytes = tier.max_bytes.as_ref().map(|bytes| {
        let bytes = bytes.value;
        quote!(max_bytes: ::core::option::Option::Some(#bytes),)
    });
    quote!(#door::TierSpec { #ttl #capacity #max_bytes ..#door::TierSpec::new(#store) })
}

/// The name of a tier. Whether a chain that is a constant has it is known where the compiler knows its value.
fn of_chain(store: &LitStr, backend: Option<&Backend>, door: &TokenStream) -> TokenStream {
    let Some(Backend::Const(path)) = backend else {
        return store.to_token_stream();
    };
    let written = path.to_token_stream().to_string().replace(' ', "");
    let name = store.value();
    let message = format!(
        "`{name}` is not in this function's `backend`, `{written}`: name one of the stores in it, or add this one"
    );
    let chain = borrowed(&path.to_token_stream());
    located(quote!(#door::of_chain(#store, #chain, #message)), store.span())
}

fn duration(duration: Duration) -> TokenStream {
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#secs, #nanos))
}

/// A store by name. An engine that is a feature of the runtime says so where it is missing.
fn store(name: &LitStr, door: &TokenStream) -> TokenStream {
    let word = name.value();
    if word == MEMORY[0] || !MEMORY.contains(&word.as_str()) {
        return quote!(#name);
    }
    let engine = Ident::new(&word, name.span());
    located(quote!(#door::engine!(#engine)), name.span())
}

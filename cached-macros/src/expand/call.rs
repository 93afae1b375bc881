//! The function itself: a look into the cache, and the body behind it.

use super::{attributes, body, definition, key};
use crate::function::argument_name;
use crate::names::{Companions, borrowed, local};
use crate::plan::CachePlan;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, Pat, Signature};

pub(super) fn function(plan: &CachePlan) -> TokenStream {
    let attrs = attributes::on_function(&plan.function.attrs);
    let listing = plan
        .companions
        .as_ref()
        .filter(|_| attributes::is_documented(&plan.function.attrs))
        .map(listing);
    let vis = &plan.function.vis;
    let defaultness = &plan.function.defaultness;
    let sig = match &plan.companions {
        Some(_) => without_mut(&plan.function.sig),
        // The body is in here, and may need it.
        None => plan.function.sig.clone(),
    };
    // An argument that the body does not use is used here, and may be moved into a local of its name.
    let lints = plan
        .companions
        .is_some()
        .then(|| quote!(#[cfg_attr(clippy, allow(clippy::used_underscore_binding, clippy::shadow_same))]));
    let lints_of_form = body::lints(plan.form);
    let block = body::in_form(&plan.function, plan.form, &plan.door, &statements(plan));
    quote! {
        #attrs
        #listing
        #lints
        #lints_of_form
        #vis #defaultness #sig #block
    }
}

fn statements(plan: &CachePlan) -> TokenStream {
    let door = &plan.door;
    let output = &plan.output;
    let [definition, shape] = ["__definition", "__shape"].map(local);
    let [done, wait, lead, ways] = ["__done", "__wait", "__lead", "__ways"].map(local);
    let site = Span::mixed_site();
    let (statics, definition_value) = match &plan.companions {
        Some(names) => (None, definition::of_shape(plan, names, &shape)),
        None => (Some(definition::statics(plan)), definition::inline(plan, &shape)),
    };
    let share_value = plan.share_error.as_ref().map_or_else(
        || quote_spanned!(site=> #door::share!(#shape)),
        |closure| quote_spanned!(site=> #door::share_with(#shape, #closure)),
    );
    let (key, buffer) = (key::of_call(plan), key::buffer());
    let inputs = quote_spanned!(site=> &#definition, #shape, &#buffer);
    let [enter, enter_in] = if plan.spec.reloads() {
        ["enter_aging", "enter_aging_in"].map(local)
    } else {
        ["enter", "enter_in"].map(local)
    };
    let enter = match (&plan.caches, key::sole(plan)) {
        (Some(caches), _) => {
            let caches = borrowed(&caches.to_token_stream());
            quote_spanned!(site=> #key #door::#enter_in(#door::caches_of(#caches), #inputs))
        }
        (None, Some(sole)) if !plan.spec.reloads() => {
            quote_spanned!(site=> #door::enter_sole(&#definition, #shape, &#sole))
        }
        (None, _) => quote_spanned!(site=> #key #door::#enter(#inputs)),
    };
    let says_none = plan.says_none.map(|at| {
        let (at, mut shape) = (site.located_at(at), shape.clone());
        shape.set_span(at);
        quote_spanned!(at=> #door::says_none(&#shape);)
    });
    let body = match &plan.companions {
        Some(names) => of(plan, &names.uncached, &arguments(plan)),
        None => body::future(&plan.function, plan.form, output),
    };
    if let (Some(names), true) = (&plan.companions, plan.spec.reloads()) {
        let [found, reload, share] = ["__found", "__reload", "__share"].map(local);
        // What it borrows is copied there and not before.
        let again = of(plan, &names.again, &arguments(plan));
        return quote_spanned! {site=>
            let #shape = #door::probe!(#output);
            #says_none
            let #share = #share_value;
            let (#found, #reload) = '__found: {
                let #wait = match { let #definition = #definition_value; #enter } {
                    (#door::Enter::Done(#done), #reload) => break '__found (#done, #reload),
                    (#door::Enter::Wait(#wait, #ways), _) => #door::Wait::new(#wait, #ways, #shape, #share),
                };
                let #lead = match #wait.await {
                    #door::Turn::Done(#done) => break '__found (#done, ::core::option::Option::None),
                    #door::Turn::Lead(#lead) => #lead,
                };
                let #lead = match #lead.look().await {
                    #door::Seen::Found(#done, #reload) => break '__found (#done, #reload),
                    #door::Seen::Nothing(#lead) => #lead,
                };
                return #door::Run { lead: #lead, body: #door::Box::pin(#body) }.await;
            };
            if let ::core::option::Option::Some(#reload) = #reload {
                #door::reload(#reload, #shape, #share, #door::told!(#shape), #again);
            }
            #found
        };
    }
    // Out of what would be part of the future for as long as that is: a miss hands them on before anything is awaited.
    let moved = plan.companions.is_some().then(|| {
        let names = plan.function.arguments().filter_map(|(name, _)| name);
        let moves = names.map(|name| {
            let lints = lints_of_name(name);
            quote!(#lints let #name = #name;)
        });
        moves.collect::<TokenStream>()
    });
    quote_spanned! {site=>
        #statics
        let #shape = #door::probe!(#output);
        #says_none
        // The definition and the key are gone before anything is awaited, and so take no room in the future; neither is anything of what a
        // hit returns held while a miss is waited for, whose error may not be able to cross threads.
        {
            #moved
            let #wait = match { let #definition = #definition_value; #enter } {
                #door::Enter::Done(#done) => return #done,
                #door::Enter::Wait(#wait, #ways) => #door::Missed::new(
                    #door::turns(#wait, #ways, #shape, #share_value),
                    // Boxed then and not before, so that the future of a call that hits, in whichever tier, stays small.
                    move || #door::Box::pin(#body),
                ),
            };
            // A name that ended after what it names is awaited would be told apart from it all the while.
            #wait
        }.await
    }
}

/// Of a local that has the name of an argument: the user named it, but not here, and his lints have looked at it already.
fn lints_of_name(name: &Ident) -> Option<TokenStream> {
    let name = name.to_string();
    let is_snake = name
        .chars()
        .all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_'))
        && !name.trim_matches('_').contains("__");
    (!is_snake).then(|| quote!(#[allow(non_snake_case)]))
}

/// The function's own arguments, handed over.
fn arguments(plan: &CachePlan) -> Vec<TokenStream> {
    let inputs = plan.function.sig.inputs.iter();
    inputs
        .map(|input| match input {
            FnArg::Receiver(receiver) => receiver.self_token.to_token_stream(),
            FnArg::Typed(typed) => argument_name(&typed.pat).to_token_stream(),
        })
        .collect()
}

/// A call of a sibling that takes what the function takes.
pub(super) fn of(plan: &CachePlan, sibling: &Ident, arguments: &[TokenStream]) -> TokenStream {
    let owner = plan.in_impl.then(|| quote!(Self::));
    let turbofish = turbofish(plan);
    quote!(#owner #sibling #turbofish (#(#arguments),*))
}

/// The function's type and const parameters, named where inference might not find them.
pub(super) fn turbofish(plan: &CachePlan) -> TokenStream {
    let (types, consts) = (&plan.key.types, &plan.key.consts);
    if types.is_empty() && consts.is_empty() {
        return TokenStream::new();
    }
    let params = plan
        .function
        .sig
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            syn::GenericParam::Type(param) => Some(&param.ident),
            syn::GenericParam::Const(param) => Some(&param.ident),
            syn::GenericParam::Lifetime(_) => None,
        });
    quote!(::<#(#params),*>)
}

/// Arguments are only handed over here, so that `mut` would be unused.
pub(super) fn without_mut(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.mutability = None,
            FnArg::Typed(typed) => {
                if let Pat::Ident(name) = &mut *typed.pat {
                    name.mutability = None;
                }
            }
        }
    }
    sig
}

/// One line of documentation.
fn listing(names: &Companions) -> TokenStream {
    let Companions {
        entry,
        cache,
        uncached,
        ..
    } = names;
    let line = format!("\n\nCached. Companions: `{entry}`, `{cache}` and `{uncached}`.");
    quote!(#[doc = #line])
}

//! A batch: one look into the entries of all ids, and the body behind it for those that are missing.

use super::{attributes, body, call};
use crate::function::{argument_name, is_borrowed, types_of, ungrouped};
use crate::names::{borrowed, local, located};
use crate::plan::{BatchPlan, IdsForm, Passed};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, FnArg, PatType, Receiver, Type};

pub(super) fn function(plan: &BatchPlan) -> TokenStream {
    let attrs = attributes::on_function(&plan.function.attrs);
    let listing = attributes::is_documented(&plan.function.attrs).then(|| listing(plan));
    let vis = &plan.function.vis;
    let defaultness = &plan.function.defaultness;
    let sig = call::without_mut(&plan.function.sig);
    // An argument that the body does not use is used here.
    let lints = quote!(#[cfg_attr(clippy, allow(clippy::used_underscore_binding))]);
    let lints_of_form = body::lints(plan.form);
    let block = body::in_form(&plan.function, plan.form, &plan.door, &statements(plan));
    let uncached = plan
        .uncached
        .as_ref()
        .map(|uncached| self::uncached(plan, uncached));
    quote! {
        #attrs
        #listing
        #lints
        #lints_of_form
        #vis #defaultness #sig #block
        #uncached
    }
}

fn statements(plan: &BatchPlan) -> TokenStream {
    let (door, output) = (&plan.door, &plan.output);
    let [shape, asked, batch] = ["__shape", "__asked", "__batch"].map(local);
    let [answered, missing, returned] = ["__answers", "__missing", "__returned"].map(local);
    let site = Span::mixed_site();
    let ids = &plan.listed;
    let entry = entry(plan);
    let answers = at(output, quote_spanned!(site=> #asked.answers(#shape)));
    let listed = at(&ids_type(plan), quote_spanned!(site=> #door::listed(#ids)));
    let body = match &plan.uncached {
        Some(uncached) => uncached_call(plan, uncached, &missing),
        None => inline(plan, &missing),
    };
    quote_spanned! {site=>
        let #shape = #door::probe!(#output);
        let #asked = #door::ask(#listed, #ids, #entry);
        let #answered = #answers;
        let mut #batch = #door::batch(#shape, #asked, #door::share!(#shape), #answered);
        loop {
            match #batch.turn().await {
                #door::Step::Load => {}
                #door::Step::Done => return #batch.finish(#ids),
                #door::Step::Failed(#returned) => return #returned,
            }
            let #missing = #batch.missing(#ids);
            let #returned = #batch.run(#door::Box::pin(#body)).await;
            if let ::core::option::Option::Some(#returned) = #batch.brought(#ids, #returned) {
                return #returned;
            }
        }
    }
}

/// The same tokens, reported at a type: at the word that names it, inside of a `Result`.
fn at(ty: &Type, tokens: TokenStream) -> TokenStream {
    located(tokens, word(ty))
}

fn word(ty: &Type) -> Span {
    let last = match ungrouped(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    match last {
        Some(last) if last.ident == "Result" => types_of(last).next().map_or_else(|| last.ident.span(), word),
        Some(last) => last.ident.span(),
        None => {
            let first = ty.to_token_stream().into_iter().next();
            first.map_or_else(Span::mixed_site, |first| first.span())
        }
    }
}

/// The argument that has the ids.
fn argument(plan: &BatchPlan) -> Option<(&Ident, &PatType)> {
    plan.function
        .arguments()
        .find_map(|(name, argument)| Some((name.filter(|name| name.unraw() == plan.ids.unraw())?, argument)))
}

fn ids_type(plan: &BatchPlan) -> Type {
    argument(plan).map_or_else(
        || Type::Verbatim(TokenStream::new()),
        |(_, argument)| (*argument.ty).clone(),
    )
}

/// The closure from an id to its entry.
fn entry(plan: &BatchPlan) -> TokenStream {
    let (id, entry) = (&plan.id, &plan.entry);
    let receiver = plan.receiver.as_ref().map(|receiver| quote!(#receiver.));
    let caches = plan
        .caches
        .as_ref()
        .map(|caches| borrowed(&parenthesized(&caches.to_token_stream())));
    // An id is a reference already.
    let is_id = |argument: &Expr| matches!(argument, Expr::Path(path) if path.path.is_ident(id));
    let arguments = plan.arguments.iter().map(|argument| {
        if is_id(argument) {
            argument.to_token_stream()
        } else {
            borrowed(&parenthesized(&argument.to_token_stream()))
        }
    });
    let arguments = caches.into_iter().chain(arguments);
    let span = Span::mixed_site().located_at(plan.span);
    quote_spanned!(span=> |#id| #receiver #entry(#(#arguments),*).for_batch())
}

/// One expression, whatever stands before it.
fn parenthesized(expr: &TokenStream) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, expr.clone());
    if let Some(first) = expr.clone().into_iter().next() {
        group.set_span(first.span());
    }
    TokenTree::from(group).into()
}

/// A call of the body's own function with the missing ids.
fn uncached_call(plan: &BatchPlan, uncached: &Ident, missing: &Ident) -> TokenStream {
    let owner = plan.in_impl.then(|| quote!(Self::));
    let turbofish = turbofish(plan);
    let arguments = plan.function.sig.inputs.iter().map(|input| match input {
        FnArg::Receiver(receiver) => passed_self(plan, receiver),
        FnArg::Typed(argument) => passed(plan, argument, missing),
    });
    quote!(#owner #uncached #turbofish (#(#arguments),*))
}

fn passed_self(plan: &BatchPlan, receiver: &Receiver) -> TokenStream {
    let this = &receiver.self_token;
    if is_borrowed(receiver) {
        return quote!(#this);
    }
    again(plan, &this.to_token_stream(), this.span)
}

fn passed(plan: &BatchPlan, argument: &PatType, missing: &Ident) -> TokenStream {
    let name = argument_name(&argument.pat).to_token_stream();
    match plan.passed(argument) {
        Passed::Ids => match plan.ids_form {
            IdsForm::Borrowed => quote!(&#missing),
            IdsForm::Owned => quote!(#missing),
        },
        Passed::Shared => name,
        Passed::Exclusive => quote!(&mut *#name),
        Passed::Owned => again(plan, &name, word(&argument.ty)),
    }
}

/// A copy of what is kept for the next run.
fn again(plan: &BatchPlan, name: &TokenStream, span: Span) -> TokenStream {
    let door = &plan.door;
    located(quote_spanned!(Span::mixed_site()=> #door::again(&#name)), span)
}

/// The body where it stands, with its arguments under their names.
fn inline(plan: &BatchPlan, missing: &Ident) -> TokenStream {
    let arguments = plan.function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(argument) => {
            let (pattern, value) = (&argument.pat, passed(plan, argument, missing));
            let ty = matches!(plan.passed(argument), Passed::Ids).then(|| {
                let ty = without_lifetime(&argument.ty);
                quote!(: #ty)
            });
            Some(quote!(let #pattern #ty = #value;))
        }
    });
    let future = body::future(&plan.function, plan.form, &plan.output);
    // An argument that the body does not use is no mistake here only.
    quote!({
        #(#[allow(unused_variables)] #arguments)*
        #future
    })
}

/// What the body borrows lives no longer than the call.
fn without_lifetime(ty: &Type) -> Type {
    match ungrouped(ty) {
        Type::Reference(reference) => {
            let mut reference = reference.clone();
            reference.lifetime = None;
            Type::Reference(reference)
        }
        other => other.clone(),
    }
}

/// `f_uncached(..)`: the body, past every cache.
fn uncached(plan: &BatchPlan, name: &Ident) -> TokenStream {
    let attrs = attributes::on_body(&plan.function.attrs);
    let function = &plan.function.sig.ident;
    let owner = if plan.in_impl { "Self::" } else { "" };
    let doc = format!(
        "[`{owner}{function}`] past every cache: runs its body for all of the ids and keeps nothing."
    );
    let vis = &plan.function.vis;
    let mut sig = plan.function.sig.clone();
    sig.ident = name.clone();
    let body = &plan.function.body;
    // An argument that is there for the entries alone is used all the same.
    let used = plan.function.arguments().filter_map(|(name, argument)| {
        let is_of_entries = matches!(plan.passed(argument), Passed::Shared | Passed::Owned)
            && plan.arguments.iter().any(|entry| {
                name.is_some_and(|name| crate::words::mentions(&entry.to_token_stream(), &name.to_string()))
            });
        name.filter(|_| is_of_entries)
    });
    let used = used.map(ToTokens::to_token_stream);
    let caches = plan.caches.as_ref().map(ToTokens::to_token_stream);
    let used: Vec<TokenStream> = used.chain(caches).collect();
    let body = if used.is_empty() {
        quote!(#body)
    } else {
        let body = plan.function.statements();
        quote!({ #(let _ = &#used;)* #body })
    };
    quote! {
        #attrs
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
        #[cfg_attr(clippy, allow(clippy::missing_errors_doc, clippy::missing_panics_doc))]
        #vis #sig #body
    }
}

fn turbofish(plan: &BatchPlan) -> TokenStream {
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
    let params: Vec<&Ident> = params.collect();
    let anonymous = mentions_impl(plan);
    if params.is_empty() || anonymous {
        return TokenStream::new();
    }
    quote!(::<#(#params),*>)
}

/// Parameters cannot be named beside anonymous ones.
fn mentions_impl(plan: &BatchPlan) -> bool {
    plan.function
        .arguments()
        .any(|(_, argument)| crate::words::mentions(&argument.ty.to_token_stream(), "impl"))
}

/// One line of documentation.
fn listing(plan: &BatchPlan) -> TokenStream {
    let whose = &plan.whose;
    let companion = plan
        .uncached
        .as_ref()
        .map_or_else(String::new, |uncached| format!(" Companion: `{uncached}`."));
    let line = format!("\n\nA batch over the cached entries of `{whose}`.{companion}");
    quote!(#[doc = #line])
}

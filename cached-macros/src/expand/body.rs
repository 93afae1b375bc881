//! The user's body as a future, where it cannot stand in a function of its own.

use crate::function::{Form, Function};
use crate::names::local;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{ReturnType, Type};

/// The body, once, as an expression that is its future. It takes the arguments with it.
pub(super) fn future(function: &Function, form: Form, output: &Type) -> TokenStream {
    let body = &function.body;
    let site = Span::mixed_site();
    match form {
        Form::Async => {
            // Says what the block yields, so that `?` and `return` in it know. Never taken.
            let result = local("__result");
            let body = function.statements();
            quote_spanned! {site=>
                async move {
                    if let ::core::option::Option::Some(#result) = ::core::option::Option::None::<#output> {
                        return #result;
                    }
                    #body
                }
            }
        }
        Form::Future => quote_spanned!(site=> async move { (move || #body)().await }),
        Form::Boxed => match (function.boxed_block(), &function.sig.output) {
            (Some(block), _) => quote_spanned!(site=> #block),
            (None, ReturnType::Type(_, returned)) => {
                quote_spanned!(site=> async move { (move || -> #returned #body)().await })
            }
            (None, ReturnType::Default) => quote_spanned!(site=> async move { (move || #body)().await }),
        },
    }
}

/// A function that returns its future returns a block of ours, which is no way to write `async fn`.
pub(super) fn lints(form: Form) -> Option<TokenStream> {
    (form == Form::Future).then(|| quote!(#[cfg_attr(clippy, allow(clippy::manual_async_fn))]))
}

/// What the function does when it is called, in the form in which it promised a future. The braces are the user's: a
/// function whose end is a macro's is taken for a macro's by the compiler, and never reported as unused.
pub(super) fn in_form(
    function: &Function,
    form: Form,
    door: &TokenStream,
    statements: &TokenStream,
) -> TokenTree {
    let site = Span::mixed_site();
    let statements = match form {
        Form::Async => statements.clone(),
        Form::Future => quote_spanned!(site=> async move { #statements }),
        Form::Boxed => quote_spanned!(site=> #door::Box::pin(async move { #statements })),
    };
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(function.body.span());
    block.into()
}

//! What stands beside a function whose attribute has mistakes, so that whoever names its companions adds no mistakes to
//! those: functions of the same names and, as far as can be seen, the same types. They are never run.

use super::{door, key, value};
use crate::args::{CacheArgs, Strategy};
use crate::check::{is_of_async_trait, is_of_trait};
use crate::function::{Form, Function};
use crate::names::Companions;
use crate::template::Piece;
use crate::words::mentions;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{ReturnType, Signature, Token, Type};

pub(crate) struct StandIns {
    pub(crate) door: TokenStream,
    pub(crate) names: Companions,
    /// `f_entry` takes `&self`.
    pub(crate) receiver: bool,
    /// What it takes besides.
    pub(crate) inputs: Vec<TokenStream>,
    /// It and `f_cache` take `&Caches` first.
    pub(crate) caches: bool,
    pub(crate) value: TokenStream,
    pub(crate) strategy: Strategy,
    /// Of `f_uncached`, and its body.
    pub(crate) uncached: Option<(Signature, TokenStream)>,
}

impl StandIns {
    /// `None` where there would be no companions, or where another attribute makes them.
    pub(crate) fn new(args: &CacheArgs, function: &Function, future: Option<&(Form, Type)>) -> Option<Self> {
        let is_cache = |attr: &syn::Attribute| {
            let path = attr.path();
            path.segments.last().is_some_and(|last| last.ident == "cache")
        };
        let of_trait = is_of_async_trait(function) || args.companions.is_none() && is_of_trait(function);
        if !args.wants_companions() || of_trait || function.attrs.iter().any(is_cache) {
            return None;
        }
        let door = door(args.krate.as_ref().map(|krate| &krate.value));
        let key = key::plan(args, function);
        let in_key = |name: &syn::Ident| {
            args.key.as_ref().is_none_or(|key| {
                key.value
                    .pieces
                    .iter()
                    .any(|piece| matches!(piece, Piece::Value(value) if value.root.unraw() == name.unraw()))
            })
        };
        let caches = args.caches.as_ref().map(|_| quote!(_: &#door::Caches));
        let arguments = key.arguments.iter().filter(|argument| in_key(&argument.name));
        let arguments = arguments.map(|argument| {
            let ty = &argument.ty;
            match ty {
                _ if !has_name(ty) => quote!(_: impl ::core::marker::Sized),
                Type::TraitObject(_) => quote!(_: &(#ty)),
                _ if argument.by_reference => quote!(_: &#ty),
                _ => quote!(_: impl #door::KeyArg<#ty>),
            }
        });
        let output = future.map(|(_, output)| output).filter(|output| is_owned(output));
        let value = output.map(|output| value::of(output, function, function.receiver().is_some(), &door));
        Some(Self {
            names: Companions::of(&function.sig.ident),
            inputs: caches.into_iter().chain(arguments).collect(),
            receiver: key.receiver && function.receiver().is_some(),
            value: value.unwrap_or_else(|| quote!(())),
            caches: args.caches.is_some(),
            strategy: args
                .strategy
                .as_ref()
                .map_or(Strategy::CacheAside, |strategy| strategy.value),
            uncached: uncached(function, future, &door),
            door,
        })
    }
}

/// With the function's own signature, but asynchronous and safe.
fn uncached(
    function: &Function,
    future: Option<&(Form, Type)>,
    door: &TokenStream,
) -> Option<(Signature, TokenStream)> {
    let mut sig = function.sig.clone();
    sig.ident = Companions::of(&sig.ident).uncached;
    sig.constness = None;
    sig.abi = None;
    sig.safety = syn::Safety::Default;
    if sig.variadic.is_some() {
        return None;
    }
    let body = match future {
        Some((_, output)) if !has_name(output) => return None,
        Some((Form::Future, output)) => quote!(::core::future::pending::<#output>()),
        Some((Form::Boxed, output)) => quote!(#door::Box::pin(::core::future::pending::<#output>())),
        Some((Form::Async, _)) | None => {
            if matches!(&sig.output, ReturnType::Type(_, output) if !has_name(output)) {
                return None;
            }
            sig.asyncness = Some(<Token![async]>::default());
            quote!(::core::future::pending().await)
        }
    };
    Some((sig, body))
}

/// Whether the type can be written down elsewhere.
fn has_name(ty: &Type) -> bool {
    !mentions(&ty.to_token_stream(), "impl")
}

/// The same without a lifetime to be named.
fn is_owned(ty: &Type) -> bool {
    let tokens = ty.to_token_stream();
    has_name(ty)
        && !matches!(ty, Type::Never(_))
        && !key::has_lifetime(tokens.clone())
        && !mentions(&tokens, "Cow")
}

//! Rules about the function itself.

use crate::function::{Form, Function, types_of, ungrouped};
use crate::mistakes::Mistakes;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Lifetime, PathArguments, PathSegment, Receiver, ReceiverKind, Safety, Type,
    TypeImplTrait, TypeReference,
};

/// Rules for both attributes. `None` if the function is not asynchronous.
pub(super) fn any(function: &Function, mistakes: &mut Mistakes) -> Option<(Form, Type)> {
    let sig = &function.sig;
    if let Some(constness) = &sig.constness {
        mistakes.about(constness, "a `const fn` cannot wait for a store: remove `const`");
    }
    if let Safety::Unsafe(keyword) = &sig.safety {
        let message = "an `unsafe fn` cannot be wrapped: its caller's promises would be lost; put the attribute on a safe function";
        mistakes.about(keyword, message);
    }
    if let Some(abi) = &sig.abi {
        mistakes.about(
            abi,
            "an `extern` function cannot be asynchronous: put the attribute on a plain `async fn`",
        );
    }
    if let Some(variadic) = &sig.variadic {
        mistakes.about(
            variadic,
            "a variadic function cannot be wrapped: name every argument",
        );
    }
    for input in &sig.inputs {
        let attrs = match input {
            syn::FnArg::Receiver(receiver) => &receiver.attrs,
            syn::FnArg::Typed(typed) => &typed.attrs,
        };
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
            mistakes.about(
                attr,
                "an argument that is there only sometimes cannot be passed on: write two functions",
            );
        }
    }
    let future = function.future();
    match &future {
        None if sig.constness.is_some() => {}
        None => {
            let message =
                "this function is not asynchronous: write `async fn`, or return `impl Future<Output = ..>`";
            mistakes.about(sig.fn_token, message);
        }
        Some((_, output)) => {
            if let Some(anonymous) = find::<Anonymous>(output).0 {
                let message = "a type that is not named cannot be looked at here: write the type itself, or `Box<dyn ..>`";
                mistakes.about(anonymous, message);
            }
        }
    }
    future
}

/// Rules for what is cached.
pub(super) fn cached(function: &Function, output: &Type, mistakes: &mut Mistakes) {
    if let Some(receiver) = function.receiver().filter(|receiver| is_exclusive(receiver)) {
        let message = "a cached method cannot take `&mut self`: a call that is answered from the cache changes nothing; take `&self`";
        mistakes.about(receiver, message);
    }
    for (name, argument) in function.arguments() {
        if name.is_none() {
            let message =
                "the cache has to name this argument: give it a name here, and take it apart in the body";
            mistakes.about(&argument.pat, message);
        }
    }
    kept(function, output, mistakes);
    for attr in &function.attrs {
        let path = attr.path().to_token_stream().to_string().replace(' ', "");
        if path == "cache" || path.ends_with("cached_runtime::cache") {
            mistakes.about(attr, "this function is cached already: keep one `#[cache]`");
        }
    }
}

/// `&mut self`, however it is written.
pub(super) fn is_exclusive(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => matches!(ungrouped(ty), Type::Reference(ty) if ty.mutability.is_some()),
        _ => false,
    }
}

/// Rules for the returned type.
fn kept(function: &Function, output: &Type, mistakes: &mut Mistakes) {
    let output = ungrouped(output);
    match output {
        Type::Tuple(tuple) if tuple.elems.is_empty() => {
            let message =
                "there is nothing to keep of `()`: return the value, or cache the function that computes it";
            match &function.sig.output {
                syn::ReturnType::Default => mistakes.at(function.sig.ident.span(), message),
                syn::ReturnType::Type(..) => mistakes.about(output, message),
            }
            return;
        }
        Type::Never(_) => {
            mistakes.about(
                output,
                "a function that never returns has nothing to keep: return a value",
            );
            return;
        }
        Type::Path(path) if path.qself.is_none() => {
            let parameter = function
                .sig
                .generics
                .type_params()
                .find(|param| path.path.is_ident(&param.ident));
            if let Some(parameter) = parameter {
                let name = &parameter.ident;
                let message = format!(
                    "whether a value of `{name}` is to be kept cannot be known here: return `Result<{name}, E>` or `Option<{name}>`"
                );
                mistakes.about(output, message);
                return;
            }
            if let Some(message) = path.path.segments.last().and_then(kept_error) {
                mistakes.about(output, message);
                return;
            }
        }
        _ => {}
    }
    if let Some(borrow) = find_borrow(output) {
        let message = "an entry outlives the call, so it cannot borrow: return an owned value";
        mistakes.about(borrow, message);
    }
}

/// What is wrong if an `Err` is part of the value.
fn kept_error(outer: &PathSegment) -> Option<&'static str> {
    let Type::Path(inner) = types_of(outer).next().map(ungrouped)? else {
        return None;
    };
    let inner = inner.path.segments.last()?;
    if outer.ident == "Option" && inner.ident == "Result" {
        return Some(
            "an `Err` inside of an `Option` would be kept: return `Result<Option<T>, E>` (`.transpose()`)",
        );
    }
    if outer.ident == "Result" && inner.ident == "Result" {
        return Some("an `Err` inside of an `Ok` would be kept: return one `Result`, in the body with `?`");
    }
    (outer.ident == "Result" && inner.ident == "Option").then(|| kept_error(inner))?
}

/// Rules for an argument that is part of the key.
pub(super) fn key_argument(ty: &Type, mistakes: &mut Mistakes) {
    match ungrouped(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => {
            let message = "an argument that the function may change cannot be part of the key: take `&`, or add it to `skip(..)`";
            mistakes.about(ty, message);
        }
        other => {
            if let Some(anonymous) = find::<Anonymous>(other).0 {
                let message = "an argument in the key needs a type with a name: write it, or add the argument to `skip(..)`";
                mistakes.about(anonymous, message);
            }
        }
    }
}

/// The first thing in the type that does not live forever.
pub(super) fn find_borrow(ty: &Type) -> Option<proc_macro2::TokenStream> {
    find::<Borrow>(ty).0
}

fn find<V: for<'t> Visit<'t> + Default>(ty: &Type) -> V {
    let mut visitor = V::default();
    visitor.visit_type(ty);
    visitor
}

/// Finds `impl Trait`.
#[derive(Default)]
struct Anonymous(Option<TypeImplTrait>);

impl Visit<'_> for Anonymous {
    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.0.get_or_insert_with(|| ty.clone());
    }
}

/// Finds what does not live forever.
#[derive(Default)]
struct Borrow(Option<proc_macro2::TokenStream>);

impl Visit<'_> for Borrow {
    fn visit_type_reference(&mut self, ty: &TypeReference) {
        if ty.lifetime.is_none() {
            self.0.get_or_insert_with(|| ty.to_token_stream());
        }
        visit::visit_type_reference(self, ty);
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.0.get_or_insert_with(|| lifetime.to_token_stream());
        }
    }

    // The one type of the standard library that may leave its lifetime out.
    fn visit_path_segment(&mut self, segment: &PathSegment) {
        let has_lifetime = matches!(
            &segment.arguments,
            PathArguments::AngleBracketed(brackets) if matches!(brackets.args.first(), Some(GenericArgument::Lifetime(_)))
        );
        if segment.ident == "Cow" && !has_lifetime {
            self.0.get_or_insert_with(|| segment.to_token_stream());
        }
        visit::visit_path_segment(self, segment);
    }

    // `fn(&T) -> U` and `dyn Fn(&T)` borrow nothing themselves.
    fn visit_type_fn_ptr(&mut self, _: &syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &syn::ParenthesizedGenericArguments) {}
}

//! A call of the body that outlives the one it was asked for: of arguments that are handed over or, where they are
//! borrowed, copied. The rules that make this possible are in `check::owned`.

use crate::function::{Function, argument_name, ungrouped};
use crate::names::{local, located, respan};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, ReceiverKind, Type};

/// What has to be done with the arguments, and how they are passed on afterwards.
pub(super) struct Owned {
    /// Statements for whoever has them now: the copies of what is borrowed.
    pub(super) copies: TokenStream,
    /// One expression an argument, the receiver first, of which only what is in `copies` is borrowed.
    pub(super) arguments: Vec<TokenStream>,
}

/// Of the arguments of `function`; the one of the name in `given` is no part of it, and passed as what stands there.
pub(super) fn arguments(
    function: &Function,
    door: &TokenStream,
    given: Option<&(&Ident, TokenStream)>,
) -> Owned {
    let mut owned = Owned {
        copies: TokenStream::new(),
        arguments: Vec::new(),
    };
    for (position, input) in function.sig.inputs.iter().enumerate() {
        let kept = local(&format!("__owned_{position}"));
        match input {
            FnArg::Receiver(receiver) => {
                let word = respan(&Ident::from(receiver.self_token), receiver.self_token.span());
                owned.argument(is_borrowed(&receiver.kind), &kept, &word, receiver.span(), door);
            }
            FnArg::Typed(typed) => {
                if let Some((_, given)) = given.filter(|(name, _)| is_named(input, name)) {
                    owned.arguments.push(given.clone());
                } else if let Some(name) = argument_name(&typed.pat) {
                    owned.argument(is_borrow(&typed.ty), &kept, name, typed.ty.span(), door);
                }
            }
        }
    }
    owned
}

/// Whether this is the name of an argument.
pub(super) fn is_named(input: &FnArg, wanted: &Ident) -> bool {
    match input {
        FnArg::Receiver(_) => false,
        FnArg::Typed(typed) => argument_name(&typed.pat).is_some_and(|name| name.unraw() == wanted.unraw()),
    }
}

/// Whether an argument is copied and not handed over.
pub(super) fn borrows(input: &FnArg) -> bool {
    match input {
        FnArg::Receiver(receiver) => is_borrowed(&receiver.kind),
        FnArg::Typed(typed) => is_borrow(&typed.ty),
    }
}

/// `&self`, however it is written.
fn is_borrowed(kind: &ReceiverKind) -> bool {
    match kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => is_borrow(ty),
        _ => false,
    }
}

/// What is borrowed for ever is as good as owned.
fn is_borrow(ty: &Type) -> bool {
    match ungrouped(ty) {
        Type::Reference(reference) => reference
            .lifetime
            .as_ref()
            .is_none_or(|lifetime| lifetime.ident != "static"),
        _ => false,
    }
}

impl Owned {
    fn argument(&mut self, borrowed: bool, kept: &Ident, name: &Ident, place: Span, door: &TokenStream) {
        let site = Span::mixed_site();
        if borrowed {
            // Reported at the type that cannot be copied.
            let outliving = quote_spanned!(site=> #door::outliving(#door::Lent(#name)));
            let outliving = located(outliving, place);
            self.copies.extend(quote_spanned!(site=> let #kept = #outliving;));
            self.arguments.push(quote_spanned!(site=> &#kept));
        } else {
            // A name of its own, so that the future takes it along and not by reference.
            self.copies.extend(quote!(let #kept = #name;));
            self.arguments.push(kept.to_token_stream());
        }
    }
}

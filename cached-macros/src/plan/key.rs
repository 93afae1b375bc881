//! The key: its template and the values put into it, once for the call and once for the entry companion.

use crate::args::CacheArgs;
use crate::function::{Function, ungrouped};
use crate::names::located;
use crate::template::{Piece, Placeholder};
use crate::words::mentions;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Ident, Type};

/// How calls are told apart.
pub(crate) struct Key {
    /// Text and places of values; `None`: the function's path and the values.
    pub(crate) template: Option<Vec<Option<String>>>,
    /// In the order of their places.
    pub(crate) parts: Vec<Part>,
    /// What the entry companion takes, in the function's order.
    pub(crate) arguments: Vec<EntryArgument>,
    /// Whether the entry companion takes `&self`.
    pub(crate) receiver: bool,
    /// Instantiations are told apart by these.
    pub(crate) types: Vec<Ident>,
    pub(crate) consts: Vec<Ident>,
}

/// One value of the key.
pub(crate) struct Part {
    /// The place it comes from: `id`, `user.id`, `self.tenant`.
    pub(crate) expr: TokenStream,
    /// The argument it is, or the template that names a part of it, for messages.
    pub(crate) span: Span,
    /// In the entry companion the argument may be anything that stands for this type.
    pub(crate) stands_for: Option<Type>,
}

/// One argument of the entry companion.
pub(crate) struct EntryArgument {
    pub(crate) name: Ident,
    /// Without references around it.
    pub(crate) ty: Type,
    /// Taken as `&T`, else as anything that stands for a `T`.
    pub(crate) by_reference: bool,
}

pub(super) fn plan(args: &CacheArgs, function: &Function) -> Key {
    let skipped = args.skip.as_ref().map_or(&[] as &[Ident], |skip| &skip.value);
    let placeholders: Option<Vec<&Placeholder>> = args.key.as_ref().map(|key| {
        let values = key.value.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(value) => Some(value),
            Piece::Text(_) => None,
        });
        values.collect()
    });
    let mut arguments = Vec::new();
    for (name, argument) in function.arguments() {
        let Some(name) = name.filter(|name| !skipped.iter().any(|skipped| skipped.unraw() == name.unraw()))
        else {
            continue;
        };
        let ty = without_references(&argument.ty);
        let in_parts = placeholders.as_ref().is_some_and(|placeholders| {
            placeholders
                .iter()
                .any(|value| value.root.unraw() == name.unraw() && !value.whole)
        });
        let by_reference = in_parts || is_generic_or_borrows(ty, function);
        arguments.push(EntryArgument {
            name: name.clone(),
            ty: ty.clone(),
            by_reference,
        });
    }
    let parts = match &placeholders {
        Some(placeholders) => placeholders
            .iter()
            .map(|value| placed(value, &arguments, function))
            .collect(),
        None => arguments.iter().map(EntryArgument::whole).collect(),
    };
    let template = args.key.as_ref().map(|key| {
        let pieces = key.value.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Value(_) => None,
        });
        pieces.collect()
    });
    Key {
        template,
        parts,
        arguments,
        receiver: placeholders.is_some_and(|values| values.iter().any(|value| value.root == "self")),
        types: function
            .sig
            .generics
            .type_params()
            .map(|param| param.ident.clone())
            .collect(),
        consts: function
            .sig
            .generics
            .const_params()
            .map(|param| param.ident.clone())
            .collect(),
    }
}

impl EntryArgument {
    fn whole(&self) -> Part {
        let stands_for = (!self.by_reference).then(|| self.ty.clone());
        Part {
            expr: self.name.to_token_stream(),
            span: self.name.span(),
            stands_for,
        }
    }
}

/// The value of a placeholder.
fn placed(placeholder: &Placeholder, arguments: &[EntryArgument], function: &Function) -> Part {
    let argument = arguments
        .iter()
        .find(|argument| argument.name.unraw() == placeholder.root.unraw());
    match argument {
        Some(argument) if placeholder.whole => argument.whole(),
        Some(argument) => rooted(placeholder, &argument.name),
        None => {
            let receiver = function
                .receiver()
                .map(|receiver| Ident::from(receiver.self_token));
            rooted(placeholder, receiver.as_ref().unwrap_or(&placeholder.root))
        }
    }
}

/// Reported at the template. A field is a word of the macro's own there: of one of the user's that is misspelt the compiler would
/// tell to write the right one, and that over the whole string.
fn rooted(placeholder: &Placeholder, root: &Ident) -> Part {
    let mut tokens = located(with_root(&placeholder.expr, root), placeholder.span).into_iter();
    let root = tokens.next();
    let place = Span::mixed_site().located_at(placeholder.span);
    let fields = tokens.map(|mut token| match token {
        // Raw, since what is a keyword is the user's edition's matter.
        TokenTree::Ident(field) => Ident::new_raw(&field.unraw().to_string(), place).into(),
        _ => {
            token.set_span(place);
            token
        }
    });
    Part {
        expr: quote!(#root #(#fields)*),
        span: placeholder.span,
        stands_for: None,
    }
}

/// The same path, beginning with the argument itself: a word in a string literal may be out of the argument's sight (in a macro's output).
pub(super) fn with_root(path: &TokenStream, root: &Ident) -> TokenStream {
    let mut tokens = path.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Ident(_)) | None => quote!(#root #(#tokens)*),
        Some(other) => quote!(#other #(#tokens)*),
    }
}

fn without_references(ty: &Type) -> &Type {
    match ungrouped(ty) {
        Type::Reference(reference) => without_references(&reference.elem),
        other => other,
    }
}

/// Whether the type cannot stand in the bound of an anonymous argument, or could not be inferred there.
fn is_generic_or_borrows(ty: &Type, function: &Function) -> bool {
    let tokens = ty.to_token_stream();
    let mut params = function
        .sig
        .generics
        .type_params()
        .map(|param| param.ident.to_string());
    // A `Cow` may leave its lifetime out.
    params.any(|param| mentions(&tokens, &param)) || has_lifetime(tokens.clone()) || mentions(&tokens, "Cow")
}

pub(super) fn has_lifetime(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Punct(punct) => matches!(punct.as_char(), '\'' | '&'),
        TokenTree::Group(group) => has_lifetime(group.stream()),
        _ => false,
    })
}

//! `entries(get_user(org, id) for id in ids)`: a batch over the entries of a cached function. Of a writer,
//! `entries(get_user(user.id) = user.clone() for user in users)`.

use super::cache::names_self;
use super::invalidate::{Owner, owner};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token, token};

/// How a batch is spoken of.
pub(super) struct Words {
    pub(super) example: &'static str,
    /// What the list has: "ids".
    pub(super) many: &'static str,
}

const READER: Words = Words {
    example: "entries(get_user(id) for id in ids)",
    many: "ids",
};

/// Which entries a batch is about.
pub(crate) struct Entries {
    pub(crate) owner: Owner,
    pub(crate) arguments: Vec<Expr>,
    /// The call of the cached function, as written.
    pub(crate) call: TokenStream,
    /// Of a writer.
    pub(crate) value: Option<Expr>,
    /// One id, in the arguments.
    pub(crate) id: Ident,
    /// The argument that has all of them.
    pub(crate) ids: Ident,
}

/// The word `entries`, where a batch follows it and no key of a cached function of this name.
pub(super) fn ahead(input: ParseStream) -> Option<Ident> {
    let ahead = input.fork();
    let name = ahead.parse::<Ident>().ok().filter(|name| name == "entries")?;
    if !ahead.peek(token::Paren) {
        return None;
    }
    let TokenTree::Group(group) = ahead.parse().ok()? else {
        return None;
    };
    let is_of_a_batch = |token: TokenTree| match token {
        TokenTree::Ident(word) => word == "for",
        TokenTree::Punct(punct) => punct.as_char() == '=',
        _ => false,
    };
    group.stream().into_iter().any(is_of_a_batch).then_some(name)
}

impl Entries {
    /// Of a function that is cached.
    pub(super) fn read(input: ParseStream) -> syn::Result<Self> {
        let entries = Self::read_as(input, &READER)?;
        if let Some(value) = &entries.value {
            let message = "what this function returns is what is stored: leave the value out";
            return Err(syn::Error::new_spanned(value, message));
        }
        Ok(entries)
    }

    pub(super) fn read_as(input: ParseStream, words: &Words) -> syn::Result<Self> {
        let Words { example, many } = words;
        if input.is_empty() {
            return Err(input.error(format!("whose entries? `{example}`")));
        }
        let target: Expr = input.parse()?;
        let (call, value) = match target {
            Expr::Assign(assign) => (*assign.left, Some(*assign.right)),
            other => (other, None),
        };
        let (owner, arguments) = owner(&call, &|expr| not_a_call(expr, example))?;
        if let Some(every @ Expr::Range(_)) = arguments.first() {
            let message = format!("a batch is about the entries of certain {many}: `{example}`");
            return Err(syn::Error::new_spanned(every, message));
        }
        let arguments = arguments.iter().cloned().collect();
        if input.is_empty() {
            let message = format!("for which {many}? `{example}`");
            return Err(syn::Error::new_spanned(call.to_token_stream(), message));
        }
        input
            .parse::<Token![for]>()
            .map_err(|error| syn::Error::new(error.span(), format!("expected `for`, as in `{example}`")))?;
        let id = name(input, &format!("a name for one of the {many}"), example)?;
        input
            .parse::<Token![in]>()
            .map_err(|error| syn::Error::new(error.span(), format!("expected `in`, as in `{example}`")))?;
        let argument = format!("the argument that has the {many}");
        let ids = name(input, &argument, example)?;
        if !input.is_empty() {
            return Err(input.error(format!("expected nothing after {argument}, as in `{example}`")));
        }
        Ok(Self {
            owner,
            arguments,
            call: call.to_token_stream(),
            value,
            id,
            ids,
        })
    }

    /// Whether the call names `Self`.
    pub(crate) fn names_self(&self) -> bool {
        names_self(&self.call)
    }

    /// The name of the cached function, for messages.
    pub(crate) fn function(&self) -> String {
        match &self.owner {
            Owner::Path(path) => path
                .path
                .segments
                .last()
                .map_or_else(String::new, |last| last.ident.unraw().to_string()),
            Owner::Method { method, .. } => method.unraw().to_string(),
        }
    }
}

fn not_a_call(expr: &Expr, example: &str) -> syn::Error {
    let message = match expr {
        Expr::Path(_) | Expr::Field(_) => {
            let name = expr.to_token_stream().to_string().replace(' ', "");
            format!("which of the entries of `{name}`? pass the key arguments, as in `{example}`")
        }
        _ => format!("expected a cached function and its key arguments, as in `{example}`"),
    };
    syn::Error::new_spanned(expr, message)
}

fn name(input: ParseStream, what: &str, example: &str) -> syn::Result<Ident> {
    input
        .call(Ident::parse_any)
        .ok()
        .filter(|name| name != "_" && name != "self")
        .ok_or_else(|| input.error(format!("expected {what}, as in `{example}`")))
}

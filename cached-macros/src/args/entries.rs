//! `entries(get_user(org, id) for id in ids)`: a batch over the entries of a cached function.

use super::invalidate::{Owner, not_a_call, owner};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token};

const EXAMPLE: &str = "entries(get_user(id) for id in ids)";

/// Which entries a batch is about.
pub(crate) struct Entries {
    pub(crate) owner: Owner,
    pub(crate) arguments: Vec<Expr>,
    /// One id, in the arguments.
    pub(crate) id: Ident,
    /// The argument that has all of them.
    pub(crate) ids: Ident,
}

impl Entries {
    pub(super) fn read(input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(input.error(format!("whose entries? `{EXAMPLE}`")));
        }
        let call: Expr = input.parse()?;
        let (owner, arguments) = owner(&call, &not_a_call)?;
        if let Some(every @ Expr::Range(_)) = arguments.first() {
            let message = format!("a batch is about the entries of certain ids: `{EXAMPLE}`");
            return Err(syn::Error::new_spanned(every, message));
        }
        let arguments = arguments.iter().cloned().collect();
        if input.is_empty() {
            let message = format!("for which ids? `{EXAMPLE}`");
            return Err(syn::Error::new_spanned(call.to_token_stream(), message));
        }
        input
            .parse::<Token![for]>()
            .map_err(|error| syn::Error::new(error.span(), format!("expected `for`, as in `{EXAMPLE}`")))?;
        let id = name(input, "a name for one of the ids")?;
        input
            .parse::<Token![in]>()
            .map_err(|error| syn::Error::new(error.span(), format!("expected `in`, as in `{EXAMPLE}`")))?;
        let ids = name(input, "the argument that has the ids")?;
        if !input.is_empty() {
            return Err(input.error(format!(
                "expected nothing after the argument that has the ids, as in `{EXAMPLE}`"
            )));
        }
        Ok(Self {
            owner,
            arguments,
            id,
            ids,
        })
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

fn name(input: ParseStream, what: &str) -> syn::Result<Ident> {
    input
        .call(Ident::parse_any)
        .ok()
        .filter(|name| name != "_" && name != "self")
        .ok_or_else(|| input.error(format!("expected {what}, as in `{EXAMPLE}`")))
}

//! stand-in
use proc_macro2::{Span, TokenStream};
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}
pub(crate) enum Piece {
    Text(String),
    Value(Placeholder),
}
pub(crate) struct Placeholder {
    pub(crate) root: syn::Ident,
    pub(crate) expr: TokenStream,
    pub(crate) span: Span,
    pub(crate) whole: bool,
}
#[derive(PartialEq)]
pub(crate) enum Use {
    Key,
    Pattern,
}
pub(crate) fn parse(lit: &syn::LitStr, usage: Use) -> Result<Template, syn::Error> {
    let text = lit.value();
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    if usage == Use::Key && rest.is_empty() {
        return Err(syn::Error::new(lit.span(), "empty"));
    }
    while let Some(open) = rest.find('{') {
        if open > 0 {
            pieces.push(Piece::Text(rest[..open].to_owned()));
        }
        let close = rest[open..].find('}').ok_or_else(|| syn::Error::new(lit.span(), "unclosed"))? + open;
        let expr: TokenStream = rest[open + 1..close].parse().map_err(|_| syn::Error::new(lit.span(), "no path"))?;
        let Some(proc_macro2::TokenTree::Ident(root)) = expr.clone().into_iter().next() else {
            return Err(syn::Error::new(lit.span(), "no path"));
        };
        let whole = expr.clone().into_iter().count() == 1;
        pieces.push(Piece::Value(Placeholder { root, expr, span: lit.span(), whole }));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(Template { pieces })
}

//! Looks for words in tokens.

use crate::function::Function;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;
use syn::{Ident, Item, Macro};

/// Whether the identifier occurs, at any depth.
pub(crate) fn mentions(tokens: &TokenStream, word: &str) -> bool {
    find(tokens, word).is_some()
}

/// The first occurrence of the identifier.
pub(crate) fn find(tokens: &TokenStream, word: &str) -> Option<Ident> {
    tokens.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == word => Some(ident),
        TokenTree::Group(group) => find(&group.stream(), word),
        _ => None,
    })
}

/// Whether the function speaks of `Self`, so that it must be in an `impl`.
pub(crate) fn speaks_of_self_type(function: &Function) -> bool {
    if mentions(&function.sig.to_token_stream(), "Self") {
        return true;
    }
    let body = TokenTree::from(function.body.clone()).into();
    match syn::parse2::<syn::Block>(body) {
        Ok(block) => {
            let mut visitor = SelfType(false);
            visitor.visit_block(&block);
            visitor.0
        }
        Err(_) => mentions(&function.body.stream(), "Self"),
    }
}

/// Finds `Self`, but not that of an `impl` inside of the body.
struct SelfType(bool);

impl Visit<'_> for SelfType {
    fn visit_ident(&mut self, ident: &Ident) {
        self.0 |= ident == "Self";
    }

    fn visit_item(&mut self, _: &Item) {}

    fn visit_macro(&mut self, mac: &Macro) {
        self.0 |= mentions(&mac.tokens, "Self");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn self_of_an_inner_impl_is_somebody_elses() {
        let speaks = |tokens| speaks_of_self_type(&syn::parse2(tokens).expect("a function"));
        assert!(speaks(quote!(
            async fn f() -> u64 {
                Self::g()
            }
        )));
        assert!(speaks(quote!(
            async fn f() -> u64 {
                format!("{}", Self::g())
            }
        )));
        assert!(speaks(quote!(
            async fn f(other: Self) -> u64 {
                1
            }
        )));
        assert!(!speaks(quote!(
            async fn f() -> u64 {
                struct A;
                impl A {
                    fn a() -> Self {
                        Self
                    }
                }
                1
            }
        )));
        assert!(!speaks(quote!(
            async fn f() -> u64 {
                1
            }
        )));
    }
}

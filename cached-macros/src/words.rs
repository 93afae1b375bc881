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

/// The first place where a variable of this name may be used: not where it names a field, and also in the text of a
/// literal, where `format!` and its like find it.
pub(crate) fn find_variable(tokens: &TokenStream, word: &str) -> Option<Ident> {
    let mut after_dot = false;
    tokens.clone().into_iter().find_map(|token| {
        let is_field = std::mem::replace(
            &mut after_dot,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.'),
        );
        match token {
            TokenTree::Ident(ident) if ident == word && !is_field => Some(ident),
            TokenTree::Group(group) => find_variable(&group.stream(), word),
            TokenTree::Literal(literal) if is_placed(&literal.to_string(), word) => {
                Some(match word.strip_prefix("r#") {
                    Some(plain) => Ident::new_raw(plain, literal.span()),
                    None => Ident::new(word, literal.span()),
                })
            }
            _ => None,
        }
    })
}

/// Whether a literal has `{word}` or `{word:..}` in it.
fn is_placed(literal: &str, word: &str) -> bool {
    literal
        .match_indices('{')
        .filter_map(|(at, brace)| literal[at + brace.len()..].trim_start().strip_prefix(word))
        .any(|rest| rest.trim_start().starts_with(['}', ':', '?']))
        || literal.contains(&format!("{word}$"))
}

/// Whether the function speaks of `Self`, so that it must be in an `impl`.
pub(crate) fn speaks_of_self_type(function: &Function) -> bool {
    if mentions(&function.sig.to_token_stream(), "Self") {
        return true;
    }
    // Most bodies do not, and need not be parsed.
    if !mentions(&function.body.stream(), "Self") {
        return false;
    }
    let body = TokenTree::from(function.body.clone()).into();
    match syn::parse2::<syn::Block>(body) {
        Ok(block) => {
            let mut visitor = SelfType(false);
            visitor.visit_block(&block);
            visitor.0
        }
        // Which `Self` it is cannot be said.
        Err(_) => true,
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
    fn a_variable_may_be_used_in_a_format_and_is_no_field() {
        let uses = |tokens: TokenStream| find_variable(&tokens, "name").is_some();
        assert!(uses(quote!(f(name))));
        assert!(uses(quote!(name.first)));
        assert!(uses(quote!(format!("{name}"))));
        assert!(uses(quote!(format!("a {{ {name:?}"))));
        assert!(uses(quote!(format!("{:name$}", 1))));
        assert!(!uses(quote!(output.name)));
        assert!(!uses(quote!(output.name())));
        assert!(!uses(quote!(format!("{names} name"))));
        assert!(!uses(quote!("name")));
    }

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

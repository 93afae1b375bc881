//! Gathers what is wrong with one attribute, so that everything is told at once, each at its own words.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::fmt::Display;

/// Every mistake found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// A mistake at one place.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.add(syn::Error::new(span, message));
    }

    /// A mistake about a stretch of the user's tokens.
    pub(crate) fn about(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// One or several mistakes that somebody else found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// Takes the value, or notes why there is none.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Whether there is none so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them, if there is any.
    pub(crate) fn into_error(self) -> Option<syn::Error> {
        self.0
    }

    /// `Err` with one `compile_error!` per mistake, if there is any.
    pub(crate) fn into_result(self) -> Result<(), TokenStream> {
        self.0.map_or(Ok(()), |all| Err(all.to_compile_error()))
    }
}

//! The attributes of `cached-runtime`. Depend on that crate, which re-exports them with their documentation.
//!
//! An expansion goes through these modules in order; each knows only those before it, and `expand`, the driver, knows them all.

mod args;
mod check;
mod derive;
mod expand;
mod function;
mod mistakes;
mod names;
mod plan;
mod template;
mod words;

use proc_macro::TokenStream;

/// See `cached_runtime::cache`.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::cache(args.into(), &item.into()).into()
}

/// See `cached_runtime::invalidate`.
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::invalidate(args.into(), &item.into()).into()
}

/// See `cached_runtime::KeyPart`.
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    derive::expand(syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

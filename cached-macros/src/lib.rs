//! The attributes of `cached-runtime`. Depend on that crate, which re-exports them with their documentation.

mod derive;
#[cfg_attr(not(test), expect(dead_code, reason = "the parsing of arguments comes next"))]
mod template;

use proc_macro::TokenStream;

/// See `cached_runtime::cache`.
#[proc_macro_attribute]
pub fn cache(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// See `cached_runtime::invalidate`.
#[proc_macro_attribute]
pub fn invalidate(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// See `cached_runtime::KeyPart`.
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    derive::expand(syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

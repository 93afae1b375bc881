//! The attributes of `cached-runtime`. Depend on that crate, which re-exports them with their documentation.

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
#[proc_macro_derive(KeyPart)]
pub fn key_part(_item: TokenStream) -> TokenStream {
    TokenStream::new()
}

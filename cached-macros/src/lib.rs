//! The attributes of `cached-runtime`. Depend on that crate, which re-exports them with their documentation.

mod derive;
#[expect(dead_code, reason = "the parsing of arguments comes next")]
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

/// Makes a type part of a key.
///
/// | type | its text |
/// |---|---|
/// | tuple struct of one field: `struct UserId(u64)` | the field's: `7` |
/// | any other struct: `struct Page { tenant: u64, tag: String }` | its fields in order: `(7,news,)` |
/// | variant without fields | its name: `All` |
/// | variant with fields: `Owner(u64)` | its name, then its fields: `(Owner,7,)` |
///
/// So reordering fields and renaming variants change keys, and renaming fields does not. Every field must be a
/// `KeyPart`; a type parameter is bounded where a field needs it. `#[key_part(crate = path)]` says where the runtime is
/// found if not at `::cached_runtime`.
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    derive::expand(&syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

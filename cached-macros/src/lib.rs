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

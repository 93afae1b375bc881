//! Which of the user's attributes stand on which item.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, MetaList, Token};

/// Lints about the function as an item. What is expected of others may be found in its body only, which stands elsewhere.
const OF_ITEM: &[&str] = &[
    "dead_code",
    "missing_docs",
    "private_bounds",
    "private_interfaces",
    "unreachable_pub",
    "unused",
    "clippy::missing_errors_doc",
    "clippy::missing_panics_doc",
    "clippy::must_use_candidate",
];

/// Of the function itself: all of them.
pub(super) fn on_function(attrs: &[Attribute]) -> TokenStream {
    let attrs = attrs.iter().map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("expect") => {
            let of_item = expected(list, true).map(|lints| quote!(#[expect(#lints)]));
            let of_body = expected(list, false).map(|lints| quote!(#[allow(#lints)]));
            quote!(#of_item #of_body)
        }
        _ => attr.to_token_stream(),
    });
    attrs.collect()
}

/// The lints of an `expect` that are about the item, or the others; with the reason, if any are left.
fn expected(list: &MetaList, of_item: bool) -> Option<TokenStream> {
    let metas = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()?;
    let (lints, reasons): (Vec<Meta>, Vec<Meta>) =
        metas.into_iter().partition(|meta| matches!(meta, Meta::Path(_)));
    let chosen = lints.into_iter().filter(|lint| {
        let name = lint.to_token_stream().to_string().replace(' ', "");
        OF_ITEM.contains(&name.as_str()) == of_item
    });
    let chosen: Vec<Meta> = chosen.collect();
    (!chosen.is_empty()).then(|| quote!(#(#chosen),* #(, #reasons)*))
}

/// Of every companion: whether it is there at all, and whether it is shown.
pub(super) fn on_companion(attrs: &[Attribute]) -> TokenStream {
    selected(attrs, &|meta| match meta {
        Meta::List(list) => {
            list.path.is_ident("doc") && list.tokens.to_string() == "hidden" || list.path.is_ident("cfg")
        }
        _ => false,
    })
}

/// Of the companion that has the body: also what the user said about lints in it.
pub(super) fn on_body(attrs: &[Attribute]) -> TokenStream {
    let lints = ["allow", "expect", "warn", "deny"];
    let of_lints = selected(attrs, &|meta| lints.iter().any(|lint| meta.path().is_ident(lint)));
    let of_companion = on_companion(attrs);
    quote!(#of_companion #of_lints)
}

/// Whether the function has documentation, which a line may be added to.
pub(super) fn is_documented(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|attr| matches!(&attr.meta, Meta::NameValue(doc) if doc.path.is_ident("doc")))
}

/// The chosen attributes, also from inside of `cfg_attr`.
fn selected(attrs: &[Attribute], choose: &dyn Fn(&Meta) -> bool) -> TokenStream {
    let chosen = attrs
        .iter()
        .filter_map(|attr| meta(&attr.meta, choose).map(|meta| quote!(#[#meta])));
    chosen.collect()
}

fn meta(meta_item: &Meta, choose: &dyn Fn(&Meta) -> bool) -> Option<TokenStream> {
    if let Meta::List(list) = meta_item
        && list.path.is_ident("expect")
        && choose(meta_item)
    {
        return expected(list, false).map(|lints| quote!(expect(#lints)));
    }
    if choose(meta_item) {
        return Some(meta_item.to_token_stream());
    }
    let Meta::List(list) = meta_item else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let metas = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()?;
    let mut metas = metas.iter();
    let condition = metas.next()?;
    let chosen: Vec<TokenStream> = metas.filter_map(|inner| meta(inner, choose)).collect();
    (!chosen.is_empty()).then(|| quote!(cfg_attr(#condition, #(#chosen),*)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_gets_its_own() {
        let item: syn::ItemFn = syn::parse_quote! {
            /// Docs.
            #[cfg(unix)]
            #[inline]
            #[expect(clippy::unused_async, reason = "x")]
            #[cfg_attr(test, inline, allow(dead_code))]
            #[doc(hidden)]
            async fn f() {}
        };
        let text = |tokens: TokenStream| tokens.to_string().replace(' ', "");
        assert_eq!(text(on_companion(&item.attrs)), "#[cfg(unix)]#[doc(hidden)]");
        let body = text(on_body(&item.attrs));
        assert!(
            body.contains("#[expect(clippy::unused_async,reason=\"x\")]"),
            "{body}"
        );
        assert!(body.contains("#[cfg_attr(test,allow(dead_code))]"), "{body}");
        assert!(!body.contains("inline"), "{body}");
        let function = text(on_function(&item.attrs));
        assert!(
            function.contains("#[allow(clippy::unused_async,reason=\"x\")]"),
            "{function}"
        );
        assert!(is_documented(&item.attrs));
    }
}

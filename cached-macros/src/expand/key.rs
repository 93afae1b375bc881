//! The steps that write a key into its buffer.

use crate::names::{borrowed, local, located};
use crate::plan::{CachePlan, Part};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// Statements that write the key of a call, from the function's own arguments.
pub(super) fn of_call(plan: &CachePlan) -> TokenStream {
    statements(plan, whole_value)
}

/// Statements that write the key of an entry, from the companion's arguments.
pub(super) fn of_entry(plan: &CachePlan) -> TokenStream {
    statements(plan, |part, key| match &part.stands_for {
        Some(ty) => {
            let value = borrowed(&part.expr);
            let step = quote_spanned!(Span::mixed_site()=> #key.arg::<#ty, _>(#value););
            located(step, part.span)
        }
        None => whole_value(part, key),
    })
}

fn whole_value(part: &Part, key: &syn::Ident) -> TokenStream {
    let value = borrowed(&part.expr);
    // Located at the argument, so that a type that is no part of keys is reported there.
    located(quote_spanned!(Span::mixed_site()=> #key.part(#value);), part.span)
}

/// The key of a call, unwritten, if it has one value and nothing of it tells the function's own parameters apart.
pub(super) fn sole(plan: &CachePlan) -> Option<TokenStream> {
    let [part] = &plan.key.parts[..] else {
        return None;
    };
    if plan.companions.is_none() || !plan.key.types.is_empty() || !plan.key.consts.is_empty() {
        return None;
    }
    let (door, value) = (&plan.door, borrowed(&part.expr));
    let owner = plan
        .in_impl
        .then(|| quote_spanned!(Span::mixed_site()=> .owner::<Self>()));
    let sole = located(
        quote_spanned!(Span::mixed_site()=> #door::sole(#value)),
        part.span,
    );
    Some(quote!(#sole #owner))
}

/// Expects the definition in a local, and leaves the key in one. Values, then what tells instantiations apart: the
/// `impl`'s type, the function's type and const parameters.
fn statements(plan: &CachePlan, step: impl Fn(&Part, &syn::Ident) -> TokenStream) -> TokenStream {
    let door = &plan.door;
    let key = buffer();
    let values = plan.key.parts.iter().map(|part| step(part, &key));
    let definition = local("__definition");
    let owner = match &plan.companions {
        Some(_) => plan
            .in_impl
            .then(|| quote_spanned!(Span::mixed_site()=> #definition.owner::<Self>(&mut #key);)),
        // Perhaps in the `impl` of a trait, whose parameters need not be those of the type.
        None => Some(quote_spanned!(Span::mixed_site()=> #definition.around(&mut #key, &|| {});)),
    };
    let types = &plan.key.types;
    let consts = &plan.key.consts;
    // A key may have nothing in it.
    let is_empty = plan.key.parts.is_empty() && owner.is_none() && types.is_empty() && consts.is_empty();
    let lints = is_empty.then(|| quote!(#[allow(unused_mut)]));
    quote_spanned! {Span::mixed_site()=>
        #lints
        let mut #key = #door::KeyBuf::new();
        #(#values)*
        #owner
        #(#key.tag::<#types>();)*
        #(#key.part(&#consts);)*
    }
}

/// The local that holds the key.
pub(super) fn buffer() -> syn::Ident {
    local("__key")
}

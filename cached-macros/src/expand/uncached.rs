//! `f_uncached(..)`: the body, past every cache.

use super::attributes;
use crate::names::Companions;
use crate::plan::CachePlan;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

pub(super) fn companion(plan: &CachePlan, names: &Companions) -> TokenStream {
    let attrs = attributes::on_body(&plan.function.attrs);
    let function = &plan.function.sig.ident;
    let doc = format!(
        "[`{}{function}`] past every cache: runs its body and keeps nothing.",
        super::whole::owner(plan)
    );
    let vis = &plan.function.vis;
    let mut sig = plan.function.sig.clone();
    sig.ident = names.uncached.clone();
    // An argument that is there for `caches` alone is used all the same.
    let body = match &plan.caches {
        Some(caches) => {
            let body = plan.function.statements();
            quote!({ let _ = &#caches; #body })
        }
        None => plan.function.body.to_token_stream(),
    };
    quote! {
        #attrs
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
        #[cfg_attr(clippy, allow(clippy::missing_errors_doc, clippy::missing_panics_doc))]
        #vis #sig #body
    }
}

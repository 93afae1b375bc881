//! Prints what was planned. Everything that is emitted for one function has a file of its own.

mod attributes;
mod body;
mod call;
mod definition;
mod entry;
mod invalidate;
mod key;
mod uncached;
mod whole;

use crate::args::{CacheArgs, InvalidateArgs};
use crate::check;
use crate::function::Function;
use crate::mistakes::Mistakes;
use crate::plan::{CachePlan, InvalidatePlan};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// `#[cache(args)] item`
pub(crate) fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = CacheArgs::read(args, &mut mistakes);
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let future = function
        .as_ref()
        .and_then(|function| check::cache(&args, function, &mut mistakes));
    match (function, future, mistakes.into_result()) {
        (Some(function), Some((form, output)), Ok(())) => {
            print(&CachePlan::new(args, function, form, output))
        }
        (_, _, mistakes) => unchanged(item, mistakes),
    }
}

/// `#[invalidate(args)] item`
pub(crate) fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = InvalidateArgs::read(args, &mut mistakes);
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let future = function
        .as_ref()
        .and_then(|function| check::invalidate(&args, function, &mut mistakes));
    match (function, future, mistakes.into_result()) {
        (Some(function), Some((form, output)), Ok(())) => {
            invalidate::function(&InvalidatePlan::new(args, function, form, output))
        }
        (_, _, mistakes) => unchanged(item, mistakes),
    }
}

/// The user's item as it was, so that the mistakes are the only thing that is reported.
fn unchanged(item: TokenStream, mistakes: Result<(), TokenStream>) -> TokenStream {
    let mistakes = mistakes.err();
    quote!(#item #mistakes)
}

fn print(plan: &CachePlan) -> TokenStream {
    let mut items = call::function(plan);
    if let Some(names) = &plan.companions {
        definition::sibling(plan, names).to_tokens(&mut items);
        entry::companion(plan, names).to_tokens(&mut items);
        whole::companion(plan, names).to_tokens(&mut items);
        uncached::companion(plan, names).to_tokens(&mut items);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn show() {
        println!(
            "{}",
            cache(
                quote!(
                    key = "user:{id}:{user.x}",
                    ttl = "1h",
                    skip(db),
                    backend = ["local", "redis"],
                    cache_if = |u| u.ok,
                    tier("local", ttl = "3s")
                ),
                quote! { /// docs
                pub async fn get_user<T: X>(db: &Db, mut id: u64, user: &User<'_>) -> Result<User, DbError> { body } }
            )
        );
        println!(
            "{}",
            cache(
                quote!(skip(self), companions = false),
                quote! {
                async fn get(&self, id: &str) -> Result<Option<User>, DbError> { body } }
            )
        );
        println!(
            "{}",
            invalidate(
                quote!(
                    get_user(id),
                    self.f(output.id, id),
                    Posts::recent(..),
                    key = "a:{id}",
                    pattern = "b:{output.id}:{id}*"
                ),
                quote! {
                async fn get(&self, id: &str) -> Result<Option<User>, DbError> { body } }
            )
        );
    }
}

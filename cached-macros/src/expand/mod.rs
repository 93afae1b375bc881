//! Prints what was planned. Everything that is emitted for one function has a file of its own.

mod again;
mod attributes;
mod batch;
mod behind;
mod body;
mod call;
mod definition;
mod entry;
mod invalidate;
mod key;
mod owned;
mod stand_in;
mod uncached;
mod update;
mod whole;

use crate::args::{CacheArgs, InvalidateArgs, UpdateArgs};
use crate::check;
use crate::function::Function;
use crate::mistakes::Mistakes;
use crate::plan::{BatchPlan, BehindPlan, CachePlan, StandIns, WriterPlan};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// `#[cache(args)] item`
pub(crate) fn cache(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = CacheArgs::read(args, &mut mistakes);
    if args.is_batch {
        return batch(args, item, mistakes);
    }
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let future = function
        .as_ref()
        .and_then(|function| check::cache(&args, function, &mut mistakes));
    match (function, future, mistakes.into_result()) {
        (Some(function), Some((form, output)), Ok(())) => {
            print(&CachePlan::new(args, function, form, output))
        }
        (function, future, mistakes) => {
            let mut expansion = unchanged(item, mistakes);
            if let Some(function) = function
                && let Some(plan) = StandIns::new(&args, &function, future.as_ref())
            {
                stand_in::companions(&function, &plan).to_tokens(&mut expansion);
            }
            expansion
        }
    }
}

/// `#[cache(entries(..))] item`
fn batch(mut args: CacheArgs, item: &TokenStream, mut mistakes: Mistakes) -> TokenStream {
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let entries = args.entries.take().map(|entries| entries.value);
    let future = match (&function, &entries) {
        (Some(function), Some(entries)) => check::batch(&args, entries, function, &mut mistakes),
        _ => None,
    };
    match (function, entries, future, mistakes.into_result()) {
        (Some(function), Some(entries), Some((form, output)), Ok(())) => {
            batch::function(&BatchPlan::new(args, entries, function, form, output))
        }
        (_, _, _, mistakes) => unchanged(item, mistakes),
    }
}

/// `#[invalidate(args)] item`
pub(crate) fn invalidate(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = InvalidateArgs::read(args, &mut mistakes);
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let future = function
        .as_ref()
        .and_then(|function| check::invalidate(&args, function, &mut mistakes));
    match (function, future, mistakes.into_result()) {
        (Some(function), Some((form, output)), Ok(())) => {
            invalidate::function(&WriterPlan::invalidate(args, function, form, output))
        }
        (_, _, mistakes) => unchanged(item, mistakes),
    }
}

/// `#[update(args)] item`
pub(crate) fn update(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let args = UpdateArgs::read(args, &mut mistakes);
    let function = mistakes.keep(syn::parse2::<Function>(item.clone()));
    let future = function
        .as_ref()
        .and_then(|function| check::update(&args, function, &mut mistakes));
    match (function, future, mistakes.into_result()) {
        (Some(function), Some((form, output)), Ok(())) => {
            if args.behind.is_some() {
                behind::function(&BehindPlan::new(args, function, form, output))
            } else {
                invalidate::function(&WriterPlan::update(args, function, form, output))
            }
        }
        (_, _, mistakes) => unchanged(item, mistakes),
    }
}

/// The user's item as it was, so that the mistakes are the only thing that is reported.
fn unchanged(item: &TokenStream, mistakes: Result<(), TokenStream>) -> TokenStream {
    let mistakes = mistakes.err();
    quote!(#item #mistakes)
}

fn print(plan: &CachePlan) -> TokenStream {
    let mut items = call::function(plan);
    if let Some(names) = &plan.companions {
        // Before those that ask for the definition: where no sibling is found, its name is the last one missed, and told.
        again::sibling(plan, names).to_tokens(&mut items);
        definition::sibling(plan, names).to_tokens(&mut items);
        entry::companion(plan, names).to_tokens(&mut items);
        entry::of_self(plan, names).to_tokens(&mut items);
        whole::companion(plan, names).to_tokens(&mut items);
        uncached::companion(plan, names).to_tokens(&mut items);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(tokens: &TokenStream, word: &str) -> usize {
        tokens
            .to_string()
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|found| *found == word)
            .count()
    }

    fn function() -> TokenStream {
        quote! {
            /// Docs.
            async fn get_user(db: &Db, id: u64) -> Result<User, DbError> { the_body }
        }
    }

    #[test]
    fn each_mistake_is_told_and_the_function_stays() {
        let args = quote!(
            key = "user:{idd}",
            ttl = "1hour",
            capasity = 3,
            backend = ["redis", "local"],
            jitter = 5,
            fallback = "1m"
        );
        let expansion = cache(args, &function());
        assert_eq!(count(&expansion, "compile_error"), 6, "{expansion}");
        assert!(expansion.to_string().starts_with(&function().to_string()));
        let args = quote!(
            get_user,
            key = "user:{idd}",
            when = "late",
            tag = "a",
            wen = "after"
        );
        let expansion = invalidate(args, &function());
        assert_eq!(count(&expansion, "compile_error"), 5, "{expansion}");
        assert!(expansion.to_string().starts_with(&function().to_string()));
    }

    #[test]
    fn what_cannot_be_read_hides_no_other_mistake() {
        let item = quote!(
            struct User;
        );
        let expansion = cache(quote!(ttl = "1hour"), &item);
        assert_eq!(count(&expansion, "compile_error"), 2, "{expansion}");
        assert!(expansion.to_string().starts_with(&item.to_string()));
    }

    #[test]
    fn the_body_is_there_once() {
        for args in [
            quote!(skip(db)),
            quote!(skip(db), companions = false),
            quote!(skip(db), key = "a:{id}", ttl = |_| x),
        ] {
            assert_eq!(count(&cache(args, &function()), "the_body"), 1);
        }
        assert_eq!(
            count(
                &invalidate(quote!(f(id), g(output.id), h(..)), &function()),
                "the_body"
            ),
            1
        );
        for args in [
            quote!(entries(one(id) for id in ids), skip(db)),
            quote!(entries(one(id) for id in ids), skip(db), companions = false),
        ] {
            let batch = quote! {
                async fn get_users(db: &Db, ids: &[u64]) -> Result<HashMap<u64, User>, DbError> { the_body }
            };
            assert_eq!(count(&cache(args, &batch), "the_body"), 1);
        }
        let writer = quote! {
            async fn save(db: &Db, id: u64) -> Result<(), DbError> { the_body }
        };
        for args in [
            quote!(f(output.id) = output.name.clone(), g(id) = id),
            quote!(f(id) = id, strategy = "write_behind"),
            quote!(entries(f(one) = id for one in id)),
            quote!(entries(f(one) = one for one in output)),
            quote!(entries(f(one) = *one for one in id), strategy = "write_behind"),
        ] {
            assert_eq!(count(&update(args, &writer), "the_body"), 1);
        }
        let boxed = quote! {
            fn f<'async_trait>(&'async_trait self) -> Pin<Box<dyn Future<Output = u64> + Send + 'async_trait>> {
                Box::pin(async move { the_body })
            }
        };
        assert_eq!(
            count(&cache(quote!(skip(self), companions = false), &boxed), "the_body"),
            1
        );
    }
}

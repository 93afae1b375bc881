//! Rules about where the function stands, as far as that can be seen.

use crate::args::{CacheArgs, Entries, Owner};
use crate::function::Function;
use crate::mistakes::Mistakes;
use crate::names;
use crate::surroundings::{Block, around, is_bare, unseen};
use crate::words::{mentions, speaks_of_self_type};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, Visibility};

/// Siblings stand in an `impl` only if nothing else decides what is in it, and are reached through `Self` if it is known to be
/// one.
pub(super) fn cache(
    args: &CacheArgs,
    entries: Option<&Entries>,
    function: &Function,
    mistakes: &mut Mistakes,
) {
    let name = &function.sig.ident;
    if leaves_no_room(args, function) {
        // What runs in the background has more to say of it.
        if !args.reloads() {
            let message = "nothing may be added to the `impl` of a trait: write `companions = false`";
            mistakes.at(name.span(), message);
        }
    } else if args.wants_companions()
        && args.in_impl.is_none()
        && function.receiver().is_none()
        && around(name) == Some(Block::Impl)
        && !args.names_self()
        && !entries.is_some_and(Entries::names_self)
        && !speaks_of_self_type(function)
    {
        mistakes.at(
            name.span(),
            "this function is in an `impl`, and has neither a receiver nor a `Self` that would tell: write `in_impl = true`",
        );
    }
}

/// What a writer or a batch names has entries, as far as can be seen. Said where nothing else is wrong, as the compiler does with
/// what it cannot find.
pub(super) fn have_entries<'a>(owners: impl Iterator<Item = &'a Owner>, mistakes: &mut Mistakes) {
    if mistakes.is_empty() {
        owners.for_each(|owner| has_entries(owner, mistakes));
    }
}

fn has_entries(owner: &Owner, mistakes: &mut Mistakes) {
    let (name, of_self) = match owner {
        Owner::Path(path) if path.qself.is_none() && path.path.leading_colon.is_none() => {
            let mut segments = path.path.segments.iter();
            match (segments.next(), segments.next(), segments.next()) {
                (Some(name), None, None) => (&name.ident, false),
                (Some(owner), Some(name), None) if owner.ident == "Self" => (&name.ident, true),
                _ => return,
            }
        }
        Owner::Method {
            receiver: Expr::Path(path),
            method,
            ..
        } if path.path.is_ident("self") => (method, true),
        Owner::Path(_) | Owner::Method { .. } => return,
    };
    if is_bare(name, of_self) {
        let plain = name.unraw();
        let message = format!(
            "`{plain}` has no `#[cache]`, and so no entries: write it there, or name a function that has one"
        );
        mistakes.at(name.span(), message);
    } else if !of_self && let Some(cached) = unseen(name) {
        let plain = name.unraw().to_string();
        let nearest = names::nearest(&plain, cached.iter().map(String::as_str)).map_or_else(
            || format!("write the path beside which it stands, as in `users::{plain}(id)`"),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        let message = format!("no cached function `{plain}` is in sight here: {nearest}");
        mistakes.at(name.span(), message);
    }
}

/// Whether companions are asked for where none can stand.
pub(super) fn leaves_no_room(args: &CacheArgs, function: &Function) -> bool {
    // Who writes `companions = true` knows better than what is read from the file.
    args.wants_companions()
        && (is_of_async_trait(function) || args.companions.is_none() && is_of_trait(function))
}

/// Whether the function is seen to be one of a trait: those have no visibility of their own.
pub(crate) fn is_of_trait(function: &Function) -> bool {
    matches!(function.vis, Visibility::Inherited) && around(&function.sig.ident) == Some(Block::ImplOfTrait)
}

/// What `#[async_trait]` leaves is a method of a trait.
pub(crate) fn is_of_async_trait(function: &Function) -> bool {
    mentions(&function.sig.generics.to_token_stream(), "async_trait")
}

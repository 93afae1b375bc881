//! The rules of `#[cache(entries(..))]`.

use super::{key, place, signature};
use crate::args::{CacheArgs, Entries, Owner};
use crate::function::{Form, Function, argument_name, is_borrowed, types_of, ungrouped};
use crate::mistakes::Mistakes;
use crate::words::mentions;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, FnArg, Ident, Type};

/// Notes every mistake. What the function yields, if that can be seen.
pub(crate) fn batch(
    args: &CacheArgs,
    entries: &Entries,
    function: &Function,
    mistakes: &mut Mistakes,
) -> Option<(Form, Type)> {
    let future = signature::any(function, mistakes);
    signature::wrapped(function, mistakes);
    if let Some((_, output)) = &future {
        returned(function, output, mistakes);
    }
    place::cache(args, Some(entries), function, mistakes);
    settings(args, entries, mistakes);
    let known = ids(entries, function, mistakes);
    if !used(entries, &entries.id) {
        let (id, name) = (&entries.id, entries.function());
        let message =
            format!("`{id}` is not used: every id would be about the same entry; write `{name}({id})`");
        mistakes.at(id.span(), message);
    }
    let skipped: &[Ident] = args.skip.as_ref().map_or(&[], |skip| skip.value.as_slice());
    let unknown = key::skips(skipped, function, mistakes);
    for name in skipped {
        if key::same(name, &entries.ids) {
            let message = format!("`{name}` has the ids that this batch is about, and cannot be skipped");
            mistakes.at(name.span(), message);
        } else if used(entries, name) {
            let message = format!(
                "`{name}` is passed to `{}`: skip it or use it, not both",
                entries.function()
            );
            mistakes.at(name.span(), message);
        }
    }
    if known && !unknown && !args.incomplete {
        for input in &function.sig.inputs {
            every(input, entries, skipped, mistakes);
        }
    }
    receiver(args, function, mistakes);
    place::have_entries(std::iter::once(&entries.owner), mistakes);
    future
}

/// Everything about the entries themselves has been said of the function whose they are.
fn settings(args: &CacheArgs, entries: &Entries, mistakes: &mut Mistakes) {
    let whose = entries.function();
    let names = [
        args.key.as_ref().map(|option| &option.name),
        args.name.as_ref().map(|option| &option.name),
        args.ttl.as_ref().map(|option| &option.name),
        args.jitter.as_ref().map(|option| &option.name),
        args.none_ttl.as_ref().map(|option| &option.name),
        args.cache_if.as_ref().map(|option| &option.name),
        args.idle.as_ref().map(|option| &option.name),
        args.expires.as_ref().map(|option| &option.name),
        args.refresh.as_ref().map(|option| &option.name),
        args.stale.as_ref().map(|option| &option.name),
        args.backend.as_ref().map(|option| &option.name),
        args.capacity.as_ref().map(|option| &option.name),
        args.max_bytes.as_ref().map(|option| &option.name),
        args.weight.as_ref().map(|option| &option.name),
        args.strategy.as_ref().map(|option| &option.name),
        args.single_flight.as_ref().map(|option| &option.name),
        args.share_error.as_ref().map(|option| &option.name),
        args.codec.as_ref().map(|option| &option.name),
        args.version.as_ref().map(|option| &option.name),
        args.compress.as_ref().map(|option| &option.name),
    ];
    for name in names.into_iter().flatten() {
        let message = format!(
            "the entries are those of `{whose}`, and `{name}` is a matter of its `#[cache]`: move it there"
        );
        mistakes.at(name.span(), message);
    }
    for tier in &args.tiers {
        let message = format!(
            "the entries are those of `{whose}`, and `tier` is a matter of its `#[cache]`: move it there"
        );
        mistakes.at(tier.store.span(), message);
    }
}

/// The ids are an argument of which a part can be passed on. Whether it is one at all.
fn ids(entries: &Entries, function: &Function, mistakes: &mut Mistakes) -> bool {
    let argument = function
        .arguments()
        .find(|(name, _)| name.is_some_and(|name| key::same(name, &entries.ids)));
    let Some((_, argument)) = argument else {
        mistakes.at(entries.ids.span(), key::unknown(function, &entries.ids));
        return false;
    };
    let cure = "take `&[T]`, `Vec<T>` or `&Vec<T>`";
    let ty = ungrouped(&argument.ty);
    let list = match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            let message =
                format!("a batch passes a part of its ids on, which is not the caller's list: {cure}");
            mistakes.about(ty, message);
            return true;
        }
        Type::Reference(reference) => ungrouped(&reference.elem),
        other => other,
    };
    let reason = match list {
        Type::Array(_) => {
            "an array has always as many ids, and the body is called with those that are missing"
        }
        Type::ImplTrait(_) => "a list of any kind cannot be made of the ids that are missing",
        Type::Reference(_) | Type::Tuple(_) | Type::Ptr(_) | Type::TraitObject(_) => {
            "the body is called with the ids that are missing, in a list of the same type"
        }
        _ => return true,
    };
    mistakes.about(ty, format!("{reason}: {cure}"));
    true
}

/// Rules for the returned type, as far as it can be seen.
fn returned(function: &Function, output: &Type, mistakes: &mut Mistakes) {
    let cure = "return a map, as in `HashMap<K, V>` or `Result<HashMap<K, V>, E>`; an id without a value is left out of it";
    let message = match ungrouped(output) {
        Type::Tuple(tuple) if tuple.elems.is_empty() => {
            format!("a batch answers for each of its ids: {cure}")
        }
        Type::Never(_) => format!("a function that never returns answers for none of its ids: {cure}"),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else {
                return;
            };
            let inner = types_of(last).next().map(ungrouped);
            let inner_is_option = matches!(inner, Some(Type::Path(inner)) if inner.path.segments.last().is_some_and(|last| last.ident == "Option"));
            if last.ident == "Option" || last.ident == "Result" && inner_is_option {
                format!("whether there is a value is said for each id: {cure}")
            } else {
                return;
            }
        }
        _ => return,
    };
    match &function.sig.output {
        syn::ReturnType::Default => mistakes.at(function.sig.ident.span(), message),
        syn::ReturnType::Type(..) => mistakes.about(output, message),
    }
}

/// The argument has a part in the entries, or is skipped.
fn every(input: &FnArg, entries: &Entries, skipped: &[Ident], mistakes: &mut Mistakes) {
    let name = match input {
        FnArg::Receiver(receiver) => Ident::from(receiver.self_token),
        FnArg::Typed(typed) => match argument_name(&typed.pat) {
            Some(name) => name.clone(),
            None => return,
        },
    };
    if key::same(&name, &entries.ids)
        || used(entries, &name)
        || skipped.iter().any(|skipped| key::same(skipped, &name))
    {
        return;
    }
    let plain = name.unraw();
    let whose = entries.function();
    let message = format!(
        "`{plain}` is neither passed to `{whose}` nor skipped: pass it on if its entries depend on it, else add `skip({name})`"
    );
    mistakes.at(name.span(), message);
}

/// Whether the entries depend on an argument.
fn used(entries: &Entries, name: &Ident) -> bool {
    let word = name.to_string();
    let receiver = match &entries.owner {
        Owner::Method { receiver, .. } => Some(receiver.to_token_stream()),
        Owner::Path(_) => None,
    };
    let arguments = entries.arguments.iter().map(Expr::to_token_stream);
    receiver
        .into_iter()
        .chain(arguments)
        .any(|tokens: TokenStream| mentions(&tokens, &word))
}

/// Without a function of its own the body can run twice only if `self` can be used twice.
fn receiver(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) {
    if let Some(in_impl) = &args.in_impl
        && !in_impl.value
        && function.receiver().is_some()
    {
        mistakes.at(
            in_impl.name.span(),
            "a function with a receiver is in an `impl`: leave `in_impl` out",
        );
    }
    let alone = args
        .companions
        .as_ref()
        .is_some_and(|companions| !companions.value);
    if let Some(receiver) = function.receiver()
        && alone
        && !is_borrowed(receiver)
    {
        let message =
            "a batch may have to run its body once more, when somebody else's load has failed: take `&self`";
        mistakes.about(receiver, message);
    }
}

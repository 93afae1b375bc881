//! The rules of `#[update]`.

use super::{behind, entries, invalidate, place, signature};
use crate::args::{Update, UpdateArgs};
use crate::function::{Form, Function, types_of, ungrouped};
use crate::mistakes::Mistakes;
use crate::names::OUTPUT;
use crate::words::{find, find_variable, mentions};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{ReceiverKind, Type};

/// Notes every mistake. What the function yields, if that can be seen.
pub(crate) fn update(
    args: &UpdateArgs,
    function: &Function,
    mistakes: &mut Mistakes,
) -> Option<(Form, Type)> {
    let future = signature::any(function, mistakes);
    if args.updates.is_empty() && !args.incomplete {
        let message = "nothing to update: name a cached function and its key arguments, as in `#[update(get_user(user.id))]`";
        mistakes.at(Span::call_site(), message);
    }
    behind::update(args, function, future.as_ref(), mistakes);
    for update in &args.updates {
        if let Some(each) = &update.each {
            entries::update(
                update,
                each,
                args.behind.is_some(),
                future.as_ref(),
                function,
                mistakes,
            );
            continue;
        }
        invalidate::method(&update.call, function, "name the entry by arguments", mistakes);
        if args.behind.is_none() {
            // What could not be read may have been the value.
            let output = future.as_ref().filter(|_| !args.incomplete);
            value(update, output.map(|(_, output)| output), function, mistakes);
        }
    }
    let by_output = |update: &Update| {
        let value = update.value.as_ref();
        if let Some(each) = &update.each {
            return each.items == OUTPUT;
        }
        mentions(&update.call.tokens, OUTPUT)
            || value.is_some_and(|value| find_variable(&value.to_token_stream(), OUTPUT).is_some())
    };
    if args.behind.is_none() && args.updates.iter().any(by_output) {
        invalidate::output_argument("update", function, mistakes);
    }
    place::have_entries(args.updates.iter().map(|update| &update.call.owner), mistakes);
    future
}

/// There must be a value, at a time at which it can be made.
fn value(update: &Update, output: Option<&Type>, function: &Function, mistakes: &mut Mistakes) {
    let Some(value) = &update.value else {
        if output.is_some_and(yields_nothing) {
            let message = "this stores what the function returns, and it returns nothing: say what to store, as in `get_user(id) = user.clone()`";
            mistakes.about(&update.call.tokens, message);
        }
        return;
    };
    let value = value.to_token_stream();
    if find_variable(&value, OUTPUT).is_some()
        && let Some(own) = find(&value, "self")
        && !function.receiver().is_some_and(is_shared)
    {
        let message =
            "the body has `self` until it ends: take `&self`, or make the value of `output` and arguments";
        mistakes.about(own, message);
    }
}

/// `&self`
fn is_shared(receiver: &syn::Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(ungrouped(ty), Type::Reference(ty) if ty.mutability.is_none()),
        _ => false,
    }
}

/// `()`, or that inside of a `Result` or an `Option`, as far as it can be seen.
pub(super) fn yields_nothing(output: &Type) -> bool {
    match ungrouped(output) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Never(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            (last.ident == "Result" || last.ident == "Option")
                && types_of(last).next().is_some_and(yields_nothing)
        }),
        _ => false,
    }
}

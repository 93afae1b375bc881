//! The rules of `#[invalidate]`.

use super::{key, place, signature};
use crate::args::{Arguments, Call, InvalidateArgs, Owner, Target, When};
use crate::function::{Form, Function};
use crate::mistakes::Mistakes;
use crate::names::OUTPUT;
use crate::words::mentions;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, Type};

/// Notes every mistake. What the function yields, if that can be seen.
pub(crate) fn invalidate(
    args: &InvalidateArgs,
    function: &Function,
    mistakes: &mut Mistakes,
) -> Option<(Form, Type)> {
    let future = signature::any(function, mistakes);
    if args.targets.is_empty() && !args.incomplete {
        let message = "nothing to invalidate: name a cached function, as in `#[invalidate(get_user(id))]`, or a `key` or `pattern`";
        mistakes.at(Span::call_site(), message);
    }
    for target in &args.targets {
        match target {
            Target::Call(call) => method(call, function, "invalidate by `key = \"..\"`", mistakes),
            Target::Key(template) | Target::Pattern(template) => {
                let of_arguments = key::values(&template.value).filter(|value| value.root != OUTPUT);
                key::placeholders(of_arguments, function, mistakes);
            }
        }
        output(target, args, function, mistakes);
    }
    if let Some(caches) = &args.caches
        && !args.incomplete
        && !args
            .targets
            .iter()
            .any(|target| matches!(target, Target::Key(_) | Target::Pattern(_)))
    {
        let message = "`caches` is for `key` and `pattern`: a cached function that has to be told takes its own first, as in `get_user(caches, id)`; remove it";
        mistakes.at(caches.name.span(), message);
    }
    let calls = args.targets.iter().filter_map(|target| match target {
        Target::Call(call) => Some(&call.owner),
        Target::Key(_) | Target::Pattern(_) => None,
    });
    place::have_entries(calls, mistakes);
    future
}

/// A method of something else than `self` has a type that is not known here, and `&mut self` is the body's until it ends.
pub(super) fn method(call: &Call, function: &Function, otherwise: &str, mistakes: &mut Mistakes) {
    let Owner::Method { receiver, method, .. } = &call.owner else {
        return;
    };
    let is_self = matches!(receiver, Expr::Path(path) if path.path.is_ident("self"));
    let (every, waits) = match &call.arguments {
        Arguments::Every { .. } => (true, false),
        Arguments::Listed(arguments) => (
            false,
            arguments
                .iter()
                .any(|argument| mentions(&argument.to_token_stream(), OUTPUT)),
        ),
    };
    if waits {
        exclusive(call, function, otherwise, mistakes);
    }
    if !is_self && (every || waits) {
        let message =
            format!("whose `{method}`? name the type instead of a value, as in `Users::{method}(..)`");
        mistakes.about(receiver, message);
    }
}

/// An entry of `self` that is known when the body has run.
pub(super) fn exclusive(call: &Call, function: &Function, otherwise: &str, mistakes: &mut Mistakes) {
    if let Owner::Method { receiver, .. } = &call.owner
        && matches!(receiver, Expr::Path(path) if path.path.is_ident("self"))
        && function.receiver().is_some_and(signature::is_exclusive)
    {
        let message = format!("the body has `&mut self` until it ends: take `&self`, or {otherwise}");
        mistakes.about(receiver, message);
    }
}

/// The returned value exists after the body, and under that name only.
fn output(target: &Target, args: &InvalidateArgs, function: &Function, mistakes: &mut Mistakes) {
    let Some(at) = output_in(target) else { return };
    if let Some(when) = &args.when
        && when.value != When::After
    {
        let message =
            "`output` exists only after the body, and only if it succeeded: remove `when`, or use arguments";
        mistakes.about(&at, message);
    }
    output_argument("invalidate", function, mistakes);
}

pub(super) fn output_argument(attribute: &str, function: &Function, mistakes: &mut Mistakes) {
    let argument = function
        .arguments()
        .find_map(|(name, _)| name.filter(|name| *name == OUTPUT));
    if let Some(argument) = argument {
        let message =
            format!("`output` is the returned value in `#[{attribute}]`: give this argument another name");
        mistakes.about(argument, message);
    }
}

/// Where a target mentions the returned value.
fn output_in(target: &Target) -> Option<TokenStream> {
    match target {
        Target::Call(call) => match &call.arguments {
            Arguments::Every { .. } => None,
            Arguments::Listed(arguments) => arguments
                .iter()
                .map(ToTokens::to_token_stream)
                .find(|argument| mentions(argument, OUTPUT)),
        },
        Target::Key(template) | Target::Pattern(template) => key::values(&template.value)
            .find(|value| value.root == OUTPUT)
            .map(|value| value.root.to_token_stream()),
    }
}

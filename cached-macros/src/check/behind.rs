//! The rules of writers under `write_behind`, whose body runs when they have returned.

use super::{owned, place, signature};
use crate::args::{Update, UpdateArgs};
use crate::function::{Form, Function, types_of, ungrouped};
use crate::mistakes::Mistakes;
use crate::names::OUTPUT;
use crate::words::{find, find_variable, mentions};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Type;

const WHY: &str = "`strategy = \"write_behind\"`";

pub(super) fn update(
    args: &UpdateArgs,
    function: &Function,
    future: Option<&(Form, Type)>,
    mistakes: &mut Mistakes,
) {
    let Some(behind) = &args.behind else {
        settings(args, mistakes);
        return;
    };
    for other in args.updates.iter().skip(1) {
        let message = "the runs of a body are put in order by the entry that it writes, so under `write_behind` there is one: write a function for each";
        mistakes.about(&other.call.tokens, message);
    }
    for update in args.updates.iter().filter(|update| update.each.is_none()) {
        known(update, mistakes);
    }
    together(args, mistakes);
    if let Some((form, output)) = future {
        returned(output, mistakes);
        if *form == Form::Boxed || place::is_of_trait(function) {
            let message = format!(
                "{WHY} runs the body by itself, as a function of its own that cannot be added to the `impl` of a trait: put `#[update]` on a method outside of it, and call that one from here"
            );
            mistakes.at(behind.name.span(), message);
        }
    }
    arguments(function, mistakes);
    for attr in &function.attrs {
        let last = attr.path().segments.last();
        if last.is_some_and(|last| last.ident == "update")
            && attr.to_token_stream().to_string().contains("write_behind")
        {
            let message =
                "this body is run later already: write a function for each entry that is written behind";
            mistakes.about(attr, message);
        }
    }
}

/// What only a queue needs.
fn settings(args: &UpdateArgs, mistakes: &mut Mistakes) {
    if args.incomplete {
        return;
    }
    let names = [
        args.queue.as_ref().map(|queue| &queue.name),
        args.retries.as_ref().map(|retries| &retries.name),
        args.concurrency.as_ref().map(|concurrency| &concurrency.name),
        args.batch.as_ref().map(|batch| &batch.name),
        args.every.as_ref().map(|every| &every.name),
    ];
    for name in names.into_iter().flatten() {
        let message = format!("`{name}` is about writes that are run later: add {WHY}, or remove it");
        mistakes.at(name.span(), message);
    }
}

/// What only runs of many items need.
fn together(args: &UpdateArgs, mistakes: &mut Mistakes) {
    if args.incomplete {
        return;
    }
    if !args.updates.iter().any(|update| update.each.is_some()) {
        let names = [
            args.batch.as_ref().map(|batch| &batch.name),
            args.every.as_ref().map(|every| &every.name),
        ];
        for name in names.into_iter().flatten() {
            let message = format!(
                "`{name}` is about bodies that write many items, and this one writes one: write `entries(get_user(user.id) = user.clone() for user in users)`, or remove `{name}`"
            );
            mistakes.at(name.span(), message);
        }
    } else if let (Some(batch), Some(queue)) = (&args.batch, &args.queue)
        && batch.value > queue.value
    {
        let message = format!(
            "`batch` is larger than `queue`, and no more than {} items ever wait: write a smaller one",
            queue.value
        );
        mistakes.at(batch.name.span(), message);
    }
}

/// Each run has arguments of its own.
fn arguments(function: &Function, mistakes: &mut Mistakes) {
    if let Some(receiver) = function
        .receiver()
        .filter(|receiver| signature::is_exclusive(receiver))
    {
        let message = format!(
            "{WHY} runs the body after this call is over, and what is borrowed as `&mut` is the caller's again by then: take `&self` or `self: Arc<Self>`"
        );
        mistakes.about(receiver, message);
    } else {
        owned::arguments(function, WHY, mistakes);
    }
    for (name, argument) in function.arguments() {
        if name.is_none() {
            let message = format!(
                "{WHY} has to name this argument: give it a name here, and take it apart in the body"
            );
            mistakes.about(&argument.pat, message);
        } else if mentions(&argument.ty.to_token_stream(), "impl") {
            let message =
                format!("{WHY} has to keep this argument: give its type a name, as a type parameter");
            mistakes.about(&argument.ty, message);
        }
    }
}

/// Key and value must be known before the body runs.
fn known(update: &Update, mistakes: &mut Mistakes) {
    let Some(value) = &update.value else {
        let message = format!(
            "under `write_behind` a value is stored before the body runs: say which, as in `{} = user.clone()`",
            readable(&update.call.tokens)
        );
        mistakes.about(&update.call.tokens, message);
        return;
    };
    let value = value.to_token_stream();
    let output = find(&update.call.tokens, OUTPUT).or_else(|| find_variable(&value, OUTPUT));
    if let Some(output) = output {
        let message = "under `write_behind` the body has not run when the value is stored, so there is no `output` yet: use arguments";
        mistakes.about(output, message);
    }
}

/// A call as one would write it.
fn readable(call: &TokenStream) -> String {
    let spaced = [
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" . ", "."),
        (" :: ", "::"),
        (" ,", ","),
        ("& ", "&"),
    ];
    spaced
        .into_iter()
        .fold(call.to_string(), |text, (from, to)| text.replace(from, to))
}

/// `()` or `Result<(), E>`, as far as it can be seen.
fn returned(output: &Type, mistakes: &mut Mistakes) {
    let is_unit = |ty: &Type| matches!(ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
    let lawful = match ungrouped(output) {
        Type::Path(path) => match path.path.segments.last() {
            Some(last) if last.ident == "Result" => types_of(last).next().is_none_or(is_unit),
            Some(last) if last.ident == "Option" => false,
            // Perhaps another name for one that is.
            _ => true,
        },
        other => is_unit(other),
    };
    if !lawful {
        let message = "a writer under `write_behind` returns before its body has run, so it cannot return what only the body knows: return `()` or `Result<(), E>`";
        mistakes.about(output, message);
    }
}

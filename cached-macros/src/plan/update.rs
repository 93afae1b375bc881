//! What a function gives entries as new values.

use super::door;
use super::invalidate::{Entry, WriterPlan};
use crate::args::{self, Arguments, UpdateArgs, When};
use crate::function::{Form, Function};
use crate::names::OUTPUT;
use crate::words::find_variable;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, Ident, ReturnType, Type};

/// One entry and its value.
pub(crate) struct Update {
    pub(crate) entry: Entry,
    pub(crate) value: Value,
}

/// A new value, by the time at which it can be made.
pub(crate) enum Value {
    /// What the function returns, and where it says so.
    Returned(Span),
    /// Of arguments, before the body, which may take them.
    Before(TokenStream),
    /// Of what the function returns, and of arguments that are copied before the body.
    After {
        value: TokenStream,
        /// As they were written in it.
        copied: Vec<Ident>,
        /// The word `output`.
        output: Ident,
    },
}

impl WriterPlan {
    /// Of arguments of `#[update]` and a function that go together.
    pub(crate) fn update(args: UpdateArgs, function: Function, form: Form, output: Type) -> Self {
        let updates = args
            .updates
            .into_iter()
            .map(|update| planned(update, &function))
            .collect();
        Self {
            door: door(args.krate.as_ref().map(|krate| &krate.value)),
            form,
            output,
            when: When::After,
            removals: Vec::new(),
            updates,
            function,
        }
    }
}

fn planned(update: args::Update, function: &Function) -> Update {
    let args::Update { call, value } = update;
    let arguments = match &call.arguments {
        Arguments::Listed(arguments) => arguments.as_slice(),
        Arguments::Every { .. } => &[],
    };
    Update {
        entry: Entry::of(call.owner, arguments, &call.tokens, function),
        value: value.map_or_else(
            || Value::Returned(returned(function)),
            |value| of(&value, function),
        ),
    }
}

fn of(value: &Expr, function: &Function) -> Value {
    let value = value.to_token_stream();
    match find_variable(&value, OUTPUT) {
        None => Value::Before(value),
        Some(output) => {
            let names = function.arguments().filter_map(|(name, _)| name);
            let copied = names
                .filter_map(|name| find_variable(&value, &name.to_string()))
                .collect();
            Value::After {
                value,
                copied,
                output,
            }
        }
    }
}

/// Where the function says what it returns.
fn returned(function: &Function) -> Span {
    match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

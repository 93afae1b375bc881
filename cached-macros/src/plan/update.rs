//! What a function gives entries as new values.

use super::batch::IdsForm;
use super::door;
use super::invalidate::{Entry, WriterPlan};
use crate::args::{self, Arguments, UpdateArgs, When};
use crate::function::{Form, Function};
use crate::names::OUTPUT;
use crate::words::{find_variable, speaks_of_self_type};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::time::Duration;
use syn::spanned::Spanned;
use syn::{Expr, Ident, ReturnType, Type};

/// A writer whose body runs later.
pub(crate) struct BehindPlan {
    pub(crate) writer: WriterPlan,
    pub(crate) queue: usize,
    pub(crate) retries: u32,
    pub(crate) concurrency: usize,
    pub(crate) batch: Option<Batch>,
    /// The body's function is a sibling, reached through `Self::`; else it stands in the writer.
    pub(crate) in_impl: bool,
    /// Arguments that key or value are made of, and the body perhaps not.
    pub(crate) used: Vec<Ident>,
    /// Where the writer says what it returns.
    pub(crate) returned: Span,
}

/// A body that writes the items of several calls at once.
pub(crate) struct Batch {
    /// The most items of one run.
    pub(crate) most: usize,
    pub(crate) every: Duration,
    /// The argument that has them.
    pub(crate) items: Ident,
    pub(crate) form: IdsForm,
}

const MOST: usize = 100;
const EVERY: Duration = Duration::from_millis(100);
const QUEUE: usize = 10_000;
const RETRIES: u32 = 5;
const CONCURRENCY: usize = 16;

impl BehindPlan {
    /// Of arguments that ask for it and a function that go together.
    pub(crate) fn new(args: UpdateArgs, function: Function, form: Form, output: Type) -> Self {
        Self {
            queue: args.queue.as_ref().map_or(QUEUE, |queue| queue.value),
            retries: args.retries.as_ref().map_or(RETRIES, |retries| retries.value),
            concurrency: args
                .concurrency
                .as_ref()
                .map_or(CONCURRENCY, |concurrency| concurrency.value),
            batch: batch(&args, &function),
            in_impl: function.receiver().is_some() || speaks_of_self_type(&function),
            used: used(&args, &function),
            returned: returned(&function),
            writer: WriterPlan::update(args, function, form, output),
        }
    }
}

fn batch(args: &UpdateArgs, function: &Function) -> Option<Batch> {
    let each = args.updates.first()?.each.as_ref()?;
    Some(Batch {
        most: args.batch.as_ref().map_or(MOST, |batch| batch.value),
        every: args.every.as_ref().map_or(EVERY, |every| every.value),
        items: each.items.clone(),
        form: super::batch::ids_of(function, &each.items).0,
    })
}

fn used(args: &UpdateArgs, function: &Function) -> Vec<Ident> {
    let mut words = TokenStream::new();
    for update in &args.updates {
        words.extend(update.call.tokens.clone());
        update.value.to_tokens(&mut words);
        words.extend(update.each.as_ref().map(|each| each.items.to_token_stream()));
    }
    let names = function.arguments().filter_map(|(name, _)| name);
    names
        .filter(|name| find_variable(&words, &name.to_string()).is_some())
        .cloned()
        .collect()
}

/// One entry and its value, or those of each item of a list.
pub(crate) struct Update {
    pub(crate) entry: Entry,
    pub(crate) value: Value,
    /// The list, borrowed, of a batch.
    pub(crate) items: Option<TokenStream>,
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
    let args::Update { call, value, each } = update;
    let arguments = match &call.arguments {
        Arguments::Listed(arguments) => arguments.as_slice(),
        Arguments::Every { .. } => &[],
    };
    if let (Some(each), Some(value)) = (&each, &value) {
        return Update {
            items: Some(super::batch::ids_of(function, &each.items).1),
            value: of_each(value, each, function),
            entry: Entry::of_each(call.owner, arguments, &call.tokens, each, function),
        };
    }
    Update {
        items: None,
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
        Some(output) => after(value, output, function),
    }
}

fn of_each(value: &Expr, each: &args::Each, function: &Function) -> Value {
    let value = value.to_token_stream();
    if each.items == OUTPUT {
        after(value, each.items.clone(), function)
    } else {
        Value::Before(value)
    }
}

fn after(value: TokenStream, output: Ident, function: &Function) -> Value {
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

/// Where the function says what it returns.
fn returned(function: &Function) -> Span {
    match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

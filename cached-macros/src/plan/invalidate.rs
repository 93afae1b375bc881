//! Everything decided about a function that makes entries wrong: what it removes. What it gives new values is in `update`.

use super::{Update, door, key};
use crate::args::{Arguments, Call, Each, InvalidateArgs, Owner, Target, When};
use crate::function::{Form, Function};
use crate::names::{Companions, OUTPUT};
use crate::template::{Piece, Placeholder, Template};
use crate::words::{find, mentions};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, Ident, Type};

/// What to print.
pub(crate) struct WriterPlan {
    pub(crate) door: TokenStream,
    pub(crate) function: Function,
    pub(crate) form: Form,
    /// What the function's future yields.
    pub(crate) output: Type,
    pub(crate) when: When,
    pub(crate) removals: Vec<Removal>,
    pub(crate) updates: Vec<Update>,
}

/// One target.
pub(crate) enum Removal {
    /// One entry.
    Entry(Entry),
    /// Every entry of a cache.
    Cache {
        cache: TokenStream,
        caches: Option<Expr>,
        span: Span,
    },
    /// By text.
    Text {
        text: Text,
        pattern: bool,
        caches: Option<Expr>,
        output: Option<Ident>,
        span: Span,
    },
}

/// The entry of these key arguments.
pub(crate) struct Entry {
    /// What has the entry as a method, and how long it has to be there.
    pub(crate) receiver: Option<Word>,
    /// That has it.
    pub(crate) companion: TokenStream,
    pub(crate) arguments: Vec<Word>,
    /// Where these are.
    pub(crate) parentheses: Span,
    /// The companion that has the whole cache, for when the returned value will never be known.
    pub(crate) cache: TokenStream,
    /// The word `output`, if the entry depends on it.
    pub(crate) output: Option<Ident>,
    /// Of a batch, the item it is of, a reference.
    pub(crate) item: Option<Ident>,
    pub(crate) span: Span,
}

/// Literal text and values.
pub(crate) struct Text(pub(crate) Vec<Result<String, Word>>);

/// An expression, by the time at which it can be known.
pub(crate) enum Word {
    /// Used before the body runs.
    Now(TokenStream),
    /// Evaluated before the body, used after it.
    Kept(TokenStream),
    /// The same of a place that the body may take, so it is copied.
    Copied(TokenStream),
    /// Made of the returned value.
    Output(TokenStream),
}

impl Word {
    pub(crate) fn expr(&self) -> &TokenStream {
        match self {
            Self::Now(expr) | Self::Kept(expr) | Self::Copied(expr) | Self::Output(expr) => expr,
        }
    }
}

impl WriterPlan {
    /// Of arguments of `#[invalidate]` and a function that go together.
    pub(crate) fn invalidate(args: InvalidateArgs, function: Function, form: Form, output: Type) -> Self {
        let caches = args.caches.map(|caches| caches.value);
        let removals = args
            .targets
            .into_iter()
            .map(|target| match target {
                Target::Call(call) => called(*call, &function),
                Target::Key(key) => text(&key.value, key.name.span(), false, caches.clone(), &function),
                Target::Pattern(pattern) => text(
                    &pattern.value,
                    pattern.name.span(),
                    true,
                    caches.clone(),
                    &function,
                ),
            })
            .collect();
        Self {
            door: door(args.krate.as_ref().map(|krate| &krate.value)),
            form,
            output,
            when: args.when.map_or(When::After, |when| when.value),
            removals,
            updates: Vec::new(),
            function,
        }
    }
}

fn called(call: Call, function: &Function) -> Removal {
    match call.arguments {
        Arguments::Every { caches } => {
            let (_, _, cache, span) = companions(call.owner);
            Removal::Cache { cache, caches, span }
        }
        Arguments::Listed(arguments) => {
            Removal::Entry(Entry::of(call.owner, &arguments, &call.tokens, function))
        }
    }
}

impl Entry {
    /// Of a call, as it was written.
    pub(super) fn of(owner: Owner, arguments: &[Expr], tokens: &TokenStream, function: &Function) -> Self {
        let output = find(tokens, OUTPUT);
        Self::made(owner, arguments, tokens, OUTPUT, output, function)
    }

    /// Of a call in a batch over `each`.
    pub(super) fn of_each(
        owner: Owner,
        arguments: &[Expr],
        tokens: &TokenStream,
        each: &Each,
        function: &Function,
    ) -> Self {
        let output = Some(&each.items).filter(|items| *items == OUTPUT).cloned();
        let item = each.item.to_string();
        Self {
            item: Some(each.item.clone()),
            ..Self::made(owner, arguments, tokens, &item, output, function)
        }
    }

    /// What mentions `last` is known last.
    fn made(
        owner: Owner,
        arguments: &[Expr],
        tokens: &TokenStream,
        last: &str,
        output: Option<Ident>,
        function: &Function,
    ) -> Self {
        let (receiver, companion, cache, span) = companions(owner);
        let word = |argument: &Expr| word(argument, last, output.is_some(), function);
        Self {
            receiver: receiver.as_ref().map(word),
            companion,
            arguments: arguments.iter().map(word).collect(),
            parentheses: tokens.clone().into_iter().last().map_or(span, |last| last.span()),
            cache,
            output,
            item: None,
            span,
        }
    }
}

/// The receiver and names of the entry and cache companions, and where the function was named.
pub(super) fn companions(owner: Owner) -> (Option<Expr>, TokenStream, TokenStream, Span) {
    match owner {
        Owner::Path(path) => {
            let renamed = |companion: fn(Companions) -> Ident| {
                let mut path = path.clone();
                if let Some(last) = path.path.segments.last_mut() {
                    last.ident = companion(Companions::of(&last.ident));
                }
                path.into_token_stream()
            };
            let span = path
                .path
                .segments
                .last()
                .map_or_else(Span::call_site, |last| last.ident.span());
            (
                None,
                renamed(|names| names.entry),
                renamed(|names| names.cache),
                span,
            )
        }
        Owner::Method {
            receiver,
            method,
            turbofish,
        } => {
            let span = method.span();
            let Companions {
                entry_of_self, cache, ..
            } = Companions::of(&method);
            let entry = quote_spanned!(span=> #entry_of_self #turbofish);
            (
                Some(receiver),
                entry,
                quote_spanned!(span=> Self::#cache #turbofish),
                span,
            )
        }
    }
}

/// The receiver or one argument of a call. Nothing is kept where nothing has to wait.
fn word(argument: &Expr, last: &str, waits: bool, function: &Function) -> Word {
    let tokens = argument.to_token_stream();
    // The body may take what a reference is to.
    let place = behind_references(argument);
    match () {
        () if waits && mentions(&tokens, last) => Word::Output(tokens),
        () if waits && is_place(place, function) => Word::Copied(place.to_token_stream()),
        () if waits => Word::Kept(tokens),
        () => Word::Now(tokens),
    }
}

fn behind_references(expr: &Expr) -> &Expr {
    match expr {
        Expr::Reference(reference) => behind_references(&reference.expr),
        Expr::Group(group) => behind_references(&group.expr),
        Expr::Paren(paren) => behind_references(&paren.expr),
        other => other,
    }
}

/// An argument of the function, or a field of one.
fn is_place(expr: &Expr, function: &Function) -> bool {
    match expr {
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| {
            name == "self"
                || function
                    .arguments()
                    .any(|(argument, _)| argument.is_some_and(|argument| argument == name))
        }),
        Expr::Field(field) => is_place(&field.base, function),
        Expr::Group(group) => is_place(&group.expr, function),
        Expr::Paren(paren) => is_place(&paren.expr, function),
        _ => false,
    }
}

fn text(
    template: &Template,
    span: Span,
    pattern: bool,
    caches: Option<Expr>,
    function: &Function,
) -> Removal {
    let mut output = None;
    let words = template.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Ok(text.clone()),
        Piece::Value(value) => Err(placed(value, function, &mut output)),
    });
    let text = Text(words.collect());
    Removal::Text {
        text,
        pattern,
        caches,
        output,
        span,
    }
}

fn placed(value: &Placeholder, function: &Function, output: &mut Option<Ident>) -> Word {
    if value.root == OUTPUT {
        *output = Some(value.root.clone());
        return Word::Output(value.expr.clone());
    }
    let receiver = function
        .receiver()
        .map(|receiver| Ident::from(receiver.self_token));
    let argument = function
        .arguments()
        .find_map(|(name, _)| name.filter(|name| name.unraw() == value.root.unraw()).cloned());
    let root = argument.or(receiver).unwrap_or_else(|| value.root.clone());
    Word::Now(key::with_root(&value.expr, &root))
}

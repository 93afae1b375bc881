//! Reads `name = value, name(..), ..` and goes on after a mistake, so that all of them are found.

use crate::args::Opt;
use crate::mistakes::Mistakes;
use crate::names;
use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprClosure, Ident, Path, Token, token};

/// One argument, after its name was read.
pub(super) struct Argument<'a> {
    pub(super) name: Ident,
    /// How it is written, for messages.
    pub(super) example: &'a str,
    pub(super) input: ParseStream<'a>,
}

impl Argument<'_> {
    /// The value after `=`.
    pub(super) fn value<T>(&self, read: impl FnOnce(&Expr, &str) -> syn::Result<T>) -> syn::Result<T> {
        if !self.input.peek(Token![=]) {
            let message = format!("`{}` needs a value: `{}`", self.name, self.example);
            return Err(syn::Error::new(self.name.span(), message));
        }
        self.input.parse::<Token![=]>()?;
        if self.input.is_empty() || self.input.peek(Token![,]) {
            let message = format!("`{}` needs a value: `{}`", self.name, self.example);
            return Err(syn::Error::new(self.name.span(), message));
        }
        let value: Expr = self.input.parse()?;
        read(&value, self.example)
    }

    /// The path after `=`.
    pub(super) fn path(&self) -> syn::Result<Path> {
        self.input.parse::<Token![=]>()?;
        self.input.call(Path::parse_mod_style)
    }

    /// What stands in the parentheses after the name.
    pub(super) fn group<T>(&self, read: impl FnOnce(ParseStream) -> syn::Result<T>) -> syn::Result<T> {
        if !self.input.peek(token::Paren) {
            let message = format!(
                "`{}` takes its values in parentheses: `{}`",
                self.name, self.example
            );
            return Err(syn::Error::new(self.name.span(), message));
        }
        let content;
        syn::parenthesized!(content in self.input);
        read(&content)
    }

    /// Keeps what `read` makes of the value after `=`.
    pub(super) fn read<T>(
        self,
        slot: &mut Option<Opt<T>>,
        read: impl FnOnce(&Expr, &str) -> syn::Result<T>,
    ) -> syn::Result<()> {
        let value = self.value(read);
        self.set(slot, value)
    }

    /// Keeps the value; a second one for the same name is a mistake.
    pub(super) fn set<T>(self, slot: &mut Option<Opt<T>>, value: syn::Result<T>) -> syn::Result<()> {
        if slot.is_some() {
            let message = format!("`{}` is given twice: keep one of them", self.name);
            return Err(syn::Error::new(self.name.span(), message));
        }
        *slot = Some(Opt {
            name: self.name,
            value: value?,
        });
        Ok(())
    }
}

/// A closure of so many parameters.
pub(super) fn closure(parameters: usize) -> impl FnOnce(&Expr, &str) -> syn::Result<ExprClosure> {
    move |expr, example| match super::literal::bare(expr) {
        Expr::Closure(closure) if closure.inputs.len() == parameters && closure.asyncness.is_none() => {
            Ok(closure.clone())
        }
        _ => {
            let what = if parameters == 1 {
                "a closure of one parameter"
            } else {
                "a closure of two parameters"
            };
            Err(super::literal::expected(expr, what, example))
        }
    }
}

/// One of several words in a string literal.
pub(super) fn choice(
    expr: &Expr,
    example: &str,
    known: &[&str],
    later: &[&str],
) -> syn::Result<(String, Span)> {
    let literal = super::literal::string(expr, example)?;
    let word = literal.value();
    if later.contains(&word.as_str()) {
        let message = format!(
            "`{word}` is not there yet: the choices are {}",
            names::listed(known)
        );
        return Err(syn::Error::new(literal.span(), message));
    }
    if !known.contains(&word.as_str()) {
        let message = format!(
            "`{word}` is unknown here: {}",
            names::suggestion(&word, known.iter().copied())
        );
        return Err(syn::Error::new(literal.span(), message));
    }
    Ok((word, literal.span()))
}

/// The name that opens an argument, and how that argument is written.
pub(super) fn name<'a>(
    input: ParseStream,
    known: &[(&'static str, &'a str)],
    later: &[&str],
) -> syn::Result<(Ident, &'a str)> {
    let span = input.span();
    let Ok(name) = input.call(Ident::parse_any) else {
        if let Some(example) = unnamed(input, known) {
            let message = format!("which argument is this? write its name before it, as in `{example}`");
            return Err(syn::Error::new(span, message));
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        return Err(syn::Error::new(
            span,
            format!("expected the name of an argument: {}", names::listed(&names)),
        ));
    };
    let word = name.unraw().to_string();
    if later.contains(&word.as_str()) {
        return Err(syn::Error::new(
            name.span(),
            format!("`{word}` is not there yet: leave it out"),
        ));
    }
    let example = known
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, example)| *example);
    let Some(example) = example else {
        let nearest = names::meant(&word, known)
            .unwrap_or_else(|| names::suggestion(&word, known.iter().map(|(name, _)| *name)));
        return Err(syn::Error::new(
            name.span(),
            format!("`{word}` is not an argument here: {nearest}"),
        ));
    };
    Ok((name, example))
}

/// How the argument is written whose value stands here, as far as that can be guessed.
fn unnamed<'a>(input: ParseStream, known: &[(&'static str, &'a str)]) -> Option<&'a str> {
    let value: syn::LitStr = input.fork().parse().ok()?;
    let is_duration = value.value().starts_with(|c: char| c.is_ascii_digit());
    let name = if is_duration { "ttl" } else { "key" };
    known
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, example)| *example)
}

/// Calls `read` for every argument. It may leave the input anywhere in an argument that it refuses.
pub(super) fn each(
    tokens: proc_macro2::TokenStream,
    mistakes: &mut Mistakes,
    mut read: impl FnMut(ParseStream, &mut Mistakes) -> syn::Result<()>,
) {
    let all = |input: ParseStream| {
        while !input.is_empty() {
            // Parsed on a fork, so that recovery starts from the argument's beginning wherever the reading stopped.
            let attempt = input.fork();
            let end = read(&attempt, mistakes).and_then(|()| {
                if attempt.is_empty() || attempt.peek(Token![,]) {
                    return Ok(());
                }
                let message = "expected a comma before this: arguments are separated by commas";
                Err(syn::Error::new(attempt.span(), message))
            });
            match end {
                Ok(()) => input.advance_to(&attempt),
                Err(mistake) => {
                    mistakes.add(mistake);
                    skip(input)?;
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(mistake) = all.parse2(tokens) {
        mistakes.add(mistake);
    }
}

/// Skips to the comma before what looks like the next argument: a closure has commas of its own.
fn skip(input: ParseStream) -> syn::Result<()> {
    input.parse::<TokenTree>()?;
    while !input.is_empty() {
        if input.peek(Token![,]) {
            let ahead = input.fork();
            ahead.parse::<Token![,]>()?;
            let argument = ahead.is_empty()
                || ahead.call(Ident::parse_any).is_ok()
                    && (ahead.is_empty()
                        || ahead.peek(Token![,])
                        || ahead.peek(token::Paren)
                        || ahead.peek(Token![::])
                        || ahead.peek(Token![.])
                        || ahead.peek(Token![=]) && !ahead.peek(Token![==]));
            if argument {
                return Ok(());
            }
        }
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

//! The arguments of `#[update]`.

use super::entries::{self, Words};
use super::invalidate::{Call, expression};
use super::list::{Argument, choice, each, name};
use super::{Arguments, Entries, Opt, literal, strangers};
use crate::mistakes::Mistakes;
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path, Token};

/// What the user may say of a function that gives entries new values.
#[derive(Default)]
pub(crate) struct UpdateArgs {
    pub(crate) updates: Vec<Update>,
    /// `strategy = "write_behind"`.
    pub(crate) behind: Option<Opt<()>>,
    pub(crate) queue: Option<Opt<usize>>,
    pub(crate) retries: Option<Opt<u32>>,
    pub(crate) concurrency: Option<Opt<usize>>,
    pub(crate) batch: Option<Opt<usize>>,
    pub(crate) every: Option<Opt<Duration>>,
    pub(crate) krate: Option<Opt<Path>>,
    /// An argument could not be read, so that rules about what is absent would only confuse.
    pub(crate) incomplete: bool,
}

/// `get_user(id)`, `get_user(id) = value`, `entries(get_user(item.id) = value for item in items)`
pub(crate) struct Update {
    pub(crate) call: Call,
    /// `None`: what the function returns.
    pub(crate) value: Option<Expr>,
    /// Of a batch.
    pub(crate) each: Option<Each>,
}

/// `for item in items`
pub(crate) struct Each {
    pub(crate) item: Ident,
    pub(crate) items: Ident,
}

impl UpdateArgs {
    pub(crate) fn read(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut args = Self::default();
        let mut refused = Mistakes::default();
        each(tokens, &mut refused, |input, _| {
            let named = input.peek2(Token![=]) && !input.peek2(Token![==]);
            if named {
                args.argument(input)
            } else {
                args.update(input)
            }
        });
        if let Some(all) = refused.into_error() {
            args.incomplete = true;
            mistakes.add(all);
        }
        args
    }

    fn argument(&mut self, input: ParseStream) -> syn::Result<()> {
        refuse_strangers(input)?;
        let (name, example) = name(input, names::UPDATE, &[])?;
        let argument = Argument { name, example, input };
        match argument.name.unraw().to_string().as_str() {
            "strategy" => {
                let value = argument.value(strategy);
                argument.set(&mut self.behind, value)
            }
            "queue" => {
                let value = argument.value(at_least_one);
                argument.set(&mut self.queue, value)
            }
            "retries" => {
                let value = argument.value(literal::integer);
                argument.set(&mut self.retries, value)
            }
            "concurrency" => {
                let value = argument.value(at_least_one);
                argument.set(&mut self.concurrency, value)
            }
            "batch" => {
                let value = argument.value(at_least_one);
                argument.set(&mut self.batch, value)
            }
            "every" => {
                let value = argument.value(literal::duration);
                argument.set(&mut self.every, value)
            }
            _ => {
                let value = argument.path();
                argument.set(&mut self.krate, value)
            }
        }
    }

    fn update(&mut self, input: ParseStream) -> syn::Result<()> {
        if entries::ahead(input).is_some() {
            return self.batch(input);
        }
        let target = expression(input, TARGET)?;
        if input.peek(Token![=>]) || input.peek(Token![:]) {
            return Err(input.error(VALUE));
        }
        let (target, value) = match target {
            Expr::Assign(assign) => (*assign.left, Some(*assign.right)),
            other => (other, None),
        };
        strangers::call(&target, names::UPDATE)?;
        let call = Call::of(&target, &not_a_call)?;
        if let Arguments::Every { .. } = call.arguments {
            let message = "a value goes into one entry: name its key arguments, or remove every entry with `#[invalidate(..)]`";
            return Err(syn::Error::new(whole(&target), message));
        }
        self.updates.push(Update {
            call,
            value,
            each: None,
        });
        Ok(())
    }

    fn batch(&mut self, input: ParseStream) -> syn::Result<()> {
        input.call(Ident::parse_any)?;
        let content;
        syn::parenthesized!(content in input);
        let entries = Entries::read_as(&content, &WRITER)?;
        self.updates.push(Update {
            call: Call {
                owner: entries.owner,
                arguments: Arguments::Listed(entries.arguments),
                tokens: entries.call,
            },
            value: entries.value,
            each: Some(Each {
                item: entries.id,
                items: entries.ids,
            }),
        });
        Ok(())
    }
}

const WRITER: Words = Words {
    example: "entries(get_user(user.id) = user.clone() for user in users)",
    many: "items",
};

/// The other strategies are the cached function's alone.
fn strategy(expr: &Expr, example: &str) -> syn::Result<()> {
    let literal = literal::string(expr, example)?;
    let word = literal.value();
    if names::STRATEGIES.contains(&word.as_str()) && !names::WRITER_STRATEGIES.contains(&word.as_str()) {
        let message = format!(
            "`{word}` is said by the cached function alone, in `#[cache(strategy = \"{word}\", ..)]`: remove it here"
        );
        return Err(syn::Error::new(literal.span(), message));
    }
    choice(expr, example, names::WRITER_STRATEGIES, &[]).map(drop)
}

fn at_least_one(expr: &Expr, example: &str) -> syn::Result<usize> {
    match literal::integer(expr, example)? {
        0 => Err(syn::Error::new_spanned(
            expr,
            "with none nothing would ever be written: write a larger number",
        )),
        number => Ok(number),
    }
}

const VALUE: &str = "the value follows the entry after a `=`, as in `get_user(user.id) = user.clone()`";
const TARGET: &str = "expected a cached function and its key arguments, as in `get_user(user.id)` or `get_user(user.id) = user.clone()`";

fn not_a_call(expr: &Expr) -> syn::Error {
    let message = match expr {
        Expr::Path(_) | Expr::Field(_) => {
            let name = expr.to_token_stream().to_string().replace(' ', "");
            format!("which entry? write `{name}(id)`, with its key arguments")
        }
        _ => TARGET.to_owned(),
    };
    syn::Error::new_spanned(expr, message)
}

fn whole(expr: &Expr) -> Span {
    expr.to_token_stream().span()
}

/// What names no single entry of a known type cannot be given a value.
fn refuse_strangers(input: ParseStream) -> syn::Result<()> {
    let Ok(name) = input.fork().call(Ident::parse_any) else {
        return Ok(());
    };
    let mut known = names::UPDATE.iter().map(|(name, _)| *name);
    let message = match name.unraw().to_string().as_str() {
        word if known.any(|known| known == word) => return Ok(()),
        word @ ("key" | "pattern" | "tag" | "tags") => {
            format!("whose value? `{word}` belongs to `#[invalidate({word} = ..)]`; here name the cached function, as in `get_user(id)`")
        }
        "when" => "an entry is given its value after the body, if that did not fail: `when` is for `#[invalidate(..)]`".to_owned(),
        "caches" => "a cached function that has to be told takes its `Caches` first, as in `get_user(caches, id)`: remove `caches`".to_owned(),
        "value" | "with" | "to" => VALUE.to_owned(),
        word => strangers::named(&name)
            .unwrap_or_else(|| format!("which entry? write `{word}(id) = ..`, with its key arguments")),
    };
    Err(syn::Error::new(name.span(), message))
}

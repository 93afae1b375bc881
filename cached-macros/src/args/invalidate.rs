//! The arguments of `#[invalidate]`.

use super::list::{Argument, choice, each, name};
use super::{Opt, entries, literal, strangers};
use crate::mistakes::Mistakes;
use crate::names;
use crate::template::{self, Template, Use};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{AngleBracketedGenericArguments, Expr, ExprPath, Ident, Path, RangeLimits, Token};

/// What the user may say of a function that makes entries wrong.
#[derive(Default)]
pub(crate) struct InvalidateArgs {
    pub(crate) targets: Vec<Target>,
    pub(crate) when: Option<Opt<When>>,
    pub(crate) caches: Option<Opt<Expr>>,
    pub(crate) krate: Option<Opt<Path>>,
    /// An argument could not be read, so that rules about what is absent would only confuse.
    pub(crate) incomplete: bool,
}

/// Entries to remove.
pub(crate) enum Target {
    /// Of a cached function.
    Call(Box<Call>),
    /// Of whichever function owns this key.
    Key(Opt<Template>),
    /// Of whichever functions own keys that look like this.
    Pattern(Opt<Template>),
}

/// `get_user(id)`, `self.profile(id)`, `list_users(..)`
pub(crate) struct Call {
    pub(crate) owner: Owner,
    pub(crate) arguments: Arguments,
    /// As written.
    pub(crate) tokens: TokenStream,
}

/// Where the companions of the cached function are.
pub(crate) enum Owner {
    /// Beside this path.
    Path(ExprPath),
    /// Methods of this receiver.
    Method {
        receiver: Expr,
        method: Ident,
        turbofish: Option<AngleBracketedGenericArguments>,
    },
}

/// Which of its entries.
pub(crate) enum Arguments {
    /// `(..)`, or `(caches, ..)` of a function that is passed its `Caches`.
    Every { caches: Option<Expr> },
    /// The one of this key.
    Listed(Vec<Expr>),
}

/// When the entries are removed, seen from the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    After,
    Before,
    Always,
}

impl InvalidateArgs {
    pub(crate) fn read(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut args = Self::default();
        let mut refused = Mistakes::default();
        each(tokens, &mut refused, |input, _| {
            let named = input.peek2(Token![=]) && !input.peek2(Token![==]);
            if named {
                args.argument(input)
            } else {
                args.call(input)
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
        let (name, example) = name(input, names::INVALIDATE, names::INVALIDATE_LATER)?;
        let argument = Argument { name, example, input };
        match argument.name.unraw().to_string().as_str() {
            "key" => {
                let template = argument.value(|expr, example| {
                    let text = literal::string(expr, example)?;
                    let template = template::parse(&text, Use::Key)?;
                    if template.looks_like_a_pattern() {
                        let message = "a `*` is itself in a `key`: for every key that looks like this write `pattern = \"..\"`; name the function, as in `get_user(id)`, if its key has one";
                        return Err(syn::Error::new(text.span(), message));
                    }
                    Ok(template)
                })?;
                self.targets.push(Target::Key(Opt {
                    name: argument.name,
                    value: template,
                }));
                Ok(())
            }
            "pattern" => {
                let template = argument
                    .value(literal::string)
                    .and_then(|text| template::parse(&text, Use::Pattern))?;
                self.targets.push(Target::Pattern(Opt {
                    name: argument.name,
                    value: template,
                }));
                Ok(())
            }
            "when" => {
                let value = argument.value(when);
                argument.set(&mut self.when, value)
            }
            "caches" => {
                let value = argument.value(|expr, _| Ok(expr.clone()));
                argument.set(&mut self.caches, value)
            }
            _ => {
                let value = argument.path();
                argument.set(&mut self.krate, value)
            }
        }
    }

    fn call(&mut self, input: ParseStream) -> syn::Result<()> {
        if let Some(name) = entries::ahead(input) {
            return Err(syn::Error::new(name.span(), EACH));
        }
        let target = expression(input, TARGET)?;
        if input.peek(Token![for]) {
            return Err(input.error(EACH));
        }
        strangers::call(&target, names::INVALIDATE)?;
        self.targets
            .push(Target::Call(Box::new(Call::of(&target, &not_a_call)?)));
        Ok(())
    }
}

impl Call {
    /// `refused` says what is wrong with an expression that is no call.
    pub(super) fn of(target: &Expr, refused: &dyn Fn(&Expr) -> syn::Error) -> syn::Result<Self> {
        let (owner, arguments) = owner(target, refused)?;
        let arguments = match arguments.last() {
            Some(Expr::Range(range)) if arguments.len() <= 2 && everything(range) => Arguments::Every {
                caches: arguments.first().filter(|_| arguments.len() == 2).cloned(),
            },
            _ => Arguments::Listed(arguments.iter().cloned().collect()),
        };
        Ok(Self {
            owner,
            arguments,
            tokens: target.to_token_stream(),
        })
    }
}

/// The next expression; `expected` says what it should have been, where there is none.
pub(super) fn expression(input: ParseStream, expected: &str) -> syn::Result<Expr> {
    let span = input.span();
    input.parse().map_err(|error| {
        if input.is_empty() {
            syn::Error::new(span, expected)
        } else {
            error
        }
    })
}

const EACH: &str =
    "`entries` is not there yet: write one target per entry, or `get_user(..)` for all of them";

const TARGET: &str =
    "expected a cached function and its key arguments, as in `get_user(id)` or `get_user(..)`";

/// Takes a call of a cached function apart; `refused` says what is wrong with an expression that is no call.
pub(super) fn owner<'a>(
    target: &'a Expr,
    refused: &dyn Fn(&Expr) -> syn::Error,
) -> syn::Result<(Owner, &'a Punctuated<Expr, Token![,]>)> {
    match literal::bare(target) {
        Expr::Call(call) => match literal::bare(&call.func) {
            Expr::Path(path) => Ok((Owner::Path(path.clone()), &call.args)),
            other => Err(refused(other)),
        },
        Expr::MethodCall(call) => {
            let owner = Owner::Method {
                receiver: (*call.receiver).clone(),
                method: call.method.clone(),
                turbofish: call.turbofish.clone(),
            };
            Ok((owner, &call.args))
        }
        other => Err(refused(other)),
    }
}

fn everything(range: &syn::ExprRange) -> bool {
    range.start.is_none() && range.end.is_none() && matches!(range.limits, RangeLimits::HalfOpen(_))
}

fn not_a_call(expr: &Expr) -> syn::Error {
    let message = match expr {
        Expr::Path(_) | Expr::Field(_) => {
            let name = expr.to_token_stream().to_string().replace(' ', "");
            format!(
                "which entries? write `{name}(id)` for the one of this key, or `{name}(..)` for every one"
            )
        }
        Expr::Assign(_) => {
            "an entry is removed here and gets no value: leave it out, or write `#[update(..)]`".to_owned()
        }
        _ => TARGET.to_owned(),
    };
    syn::Error::new_spanned(expr, message)
}

/// What is said of a cached function is not said again.
fn refuse_strangers(input: ParseStream) -> syn::Result<()> {
    let Ok(name) = input.fork().call(Ident::parse_any) else {
        return Ok(());
    };
    let is_own = names::INVALIDATE.iter().any(|(own, _)| name.unraw() == own);
    let message = strangers::named(&name).filter(|_| !is_own);
    message.map_or(Ok(()), |message| Err(syn::Error::new(name.span(), message)))
}

fn when(expr: &Expr, example: &str) -> syn::Result<When> {
    let (word, _) = choice(expr, example, names::WHENS, &[])?;
    Ok(match word.as_str() {
        "before" => When::Before,
        "always" => When::Always,
        _ => When::After,
    })
}

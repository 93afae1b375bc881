//! The arguments of `#[cache]`.

use super::list::{Argument, choice, closure, each, name};
use super::{Entries, Opt, literal};
use crate::mistakes::Mistakes;
use crate::names;
use crate::template::{self, Template, Use};
use crate::words::mentions;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, ExprClosure, Ident, LitStr, Path, Token};

/// What the user may say of a cached function; everything may be left out.
#[derive(Default)]
pub(crate) struct CacheArgs {
    pub(crate) key: Option<Opt<Template>>,
    pub(crate) skip: Option<Opt<Vec<Ident>>>,
    pub(crate) name: Option<Opt<LitStr>>,
    pub(crate) ttl: Option<Opt<Ttl>>,
    pub(crate) jitter: Option<Opt<u32>>,
    pub(crate) none_ttl: Option<Opt<Duration>>,
    pub(crate) idle: Option<Opt<Duration>>,
    pub(crate) expires: Option<Opt<ExprClosure>>,
    pub(crate) refresh: Option<Opt<Refresh>>,
    pub(crate) stale: Option<Opt<Duration>>,
    pub(crate) cache_if: Option<Opt<ExprClosure>>,
    pub(crate) backend: Option<Opt<Backend>>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) capacity: Option<Opt<u64>>,
    pub(crate) max_bytes: Option<Opt<u64>>,
    pub(crate) weight: Option<Opt<ExprClosure>>,
    pub(crate) strategy: Option<Opt<Strategy>>,
    /// Whether the callers of one process share a load.
    pub(crate) single_flight: Option<Opt<bool>>,
    pub(crate) share_error: Option<Opt<ExprClosure>>,
    pub(crate) codec: Option<Opt<Ident>>,
    pub(crate) version: Option<Opt<u32>>,
    pub(crate) compress: Option<Opt<u64>>,
    pub(crate) caches: Option<Opt<Expr>>,
    pub(crate) companions: Option<Opt<bool>>,
    pub(crate) in_impl: Option<Opt<bool>>,
    pub(crate) krate: Option<Opt<Path>>,
    pub(crate) entries: Option<Opt<Entries>>,
    /// `entries` is there, even if it could not be read.
    pub(crate) is_batch: bool,
    /// An argument could not be read, so that rules about what is absent would only confuse.
    pub(crate) incomplete: bool,
}

/// How long an entry lives.
pub(crate) enum Ttl {
    Fixed(Duration),
    OfValue(ExprClosure),
}

/// From what age on a hit reloads.
#[derive(Clone, Copy)]
pub(crate) enum Refresh {
    /// A part of the ttl, in parts per million.
    Part(u32),
    Age(Duration),
}

/// The chain of stores.
pub(crate) enum Backend {
    Names(Vec<LitStr>),
    Const(Path),
}

/// The settings of one store of the chain.
pub(crate) struct Tier {
    pub(crate) store: LitStr,
    pub(crate) ttl: Option<Opt<Duration>>,
    pub(crate) capacity: Option<Opt<u64>>,
    pub(crate) max_bytes: Option<Opt<u64>>,
}

/// What happens at a miss and at a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    CacheAside,
    WriteThrough,
    WriteBehind,
    RefreshAhead,
}

impl CacheArgs {
    pub(crate) fn read(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut args = Self::default();
        let mut refused = Mistakes::default();
        each(tokens, &mut refused, |input, mistakes| {
            args.argument(input, mistakes)
        });
        if let Some(all) = refused.into_error() {
            args.incomplete = true;
            mistakes.add(all);
        }
        args
    }

    /// Whether siblings are to stand beside the function.
    pub(crate) fn wants_companions(&self) -> bool {
        self.companions.as_ref().is_none_or(|companions| companions.value)
    }

    /// Whether the body is to run in the background too.
    pub(crate) fn reloads(&self) -> bool {
        let ahead = |strategy: &Opt<Strategy>| strategy.value == Strategy::RefreshAhead;
        self.refresh.is_some() || self.stale.is_some() || self.strategy.as_ref().is_some_and(ahead)
    }

    /// Whether one of the expressions names `Self`.
    pub(crate) fn names_self(&self) -> bool {
        let closures = [&self.expires, &self.cache_if, &self.weight, &self.share_error];
        let in_closures = closures
            .into_iter()
            .flatten()
            .any(|closure| names_self(&closure.value));
        let in_ttl = matches!(self.ttl.as_ref().map(|ttl| &ttl.value), Some(Ttl::OfValue(closure)) if names_self(closure));
        let in_backend = matches!(self.backend.as_ref().map(|backend| &backend.value), Some(Backend::Const(path)) if names_self(path));
        let in_caches = self
            .caches
            .as_ref()
            .is_some_and(|caches| names_self(&caches.value));
        in_closures || in_ttl || in_backend || in_caches
    }

    fn argument(&mut self, input: ParseStream, mistakes: &mut Mistakes) -> syn::Result<()> {
        let (name, example) = name(input, names::CACHE, names::CACHE_LATER)?;
        let argument = Argument { name, example, input };
        match argument.name.unraw().to_string().as_str() {
            "key" => {
                let value = argument
                    .value(literal::string)
                    .and_then(|text| template::parse(&text, Use::Key));
                argument.set(&mut self.key, value)
            }
            "skip" => {
                let value = argument.group(skipped);
                argument.set(&mut self.skip, value)
            }
            "name" => {
                let value = argument.value(literal::string).and_then(|name| {
                    if name.value().is_empty() {
                        return Err(syn::Error::new(name.span(), "a cache's name cannot be empty"));
                    }
                    Ok(name)
                });
                argument.set(&mut self.name, value)
            }
            "ttl" => argument.read(&mut self.ttl, ttl),
            "jitter" => argument.read(&mut self.jitter, literal::percent),
            "none_ttl" => argument.read(&mut self.none_ttl, literal::duration),
            "idle" => argument.read(&mut self.idle, literal::duration),
            "expires" => argument.read(&mut self.expires, closure(1)),
            "refresh" => argument.read(&mut self.refresh, refresh),
            "stale" => argument.read(&mut self.stale, literal::duration),
            "cache_if" => argument.read(&mut self.cache_if, closure(1)),
            "backend" => argument.read(&mut self.backend, backend),
            "tier" => {
                self.tiers
                    .push(argument.group(|input| Tier::read(input, mistakes))?);
                Ok(())
            }
            "capacity" => argument.read(&mut self.capacity, capacity),
            "max_bytes" => argument.read(&mut self.max_bytes, max_bytes),
            "weight" => argument.read(&mut self.weight, closure(2)),
            "strategy" => argument.read(&mut self.strategy, strategy),
            "single_flight" => argument.read(&mut self.single_flight, single_flight),
            "share_error" => argument.read(&mut self.share_error, closure(1)),
            "codec" => argument.read(&mut self.codec, codec),
            "version" => argument.read(&mut self.version, literal::integer),
            "compress" => argument.read(&mut self.compress, literal::size),
            "caches" => {
                let value = argument.value(|expr, _| Ok(expr.clone()));
                argument.set(&mut self.caches, value)
            }
            "companions" => argument.read(&mut self.companions, literal::boolean),
            "in_impl" => argument.read(&mut self.in_impl, literal::boolean),
            "entries" => self.batch(argument),
            _ => {
                let value = argument.path();
                argument.set(&mut self.krate, value)
            }
        }
    }

    fn batch(&mut self, argument: Argument<'_>) -> syn::Result<()> {
        self.is_batch = true;
        let value = argument.group(Entries::read);
        argument.set(&mut self.entries, value)
    }
}

impl Tier {
    fn read(input: ParseStream, mistakes: &mut Mistakes) -> syn::Result<Self> {
        let example = "tier(\"local\", ttl = \"30s\")";
        if input.is_empty() {
            return Err(syn::Error::new(
                input.span(),
                format!("which tier? write its name first: `{example}`"),
            ));
        }
        let store = literal::string(&input.parse()?, example)?;
        let mut tier = Self {
            store,
            ttl: None,
            capacity: None,
            max_bytes: None,
        };
        if input.is_empty() {
            let message =
                format!("this tier has no settings: write one, as in `{example}`, or leave the tier out");
            return Err(syn::Error::new(tier.store.span(), message));
        }
        input.parse::<Token![,]>()?;
        each(input.parse()?, mistakes, |input, _| {
            let (name, example) = name(input, names::TIER, &[])?;
            let argument = Argument { name, example, input };
            match argument.name.to_string().as_str() {
                "ttl" => {
                    let value = argument.value(literal::duration);
                    argument.set(&mut tier.ttl, value)
                }
                "capacity" => {
                    let value = argument.value(capacity);
                    argument.set(&mut tier.capacity, value)
                }
                _ => {
                    let value = argument.value(max_bytes);
                    argument.set(&mut tier.max_bytes, value)
                }
            }
        });
        Ok(tier)
    }
}

pub(super) fn names_self(tokens: &impl ToTokens) -> bool {
    mentions(&tokens.to_token_stream(), "Self")
}

/// Names between the parentheses of `skip`.
fn skipped(input: ParseStream) -> syn::Result<Vec<Ident>> {
    let mut names = Vec::new();
    while !input.is_empty() {
        let name = input
            .call(Ident::parse_any)
            .map_err(|_| input.error("`skip` takes names of arguments: `skip(db, self)`"))?;
        names.push(name);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(names)
}

fn ttl(expr: &Expr, example: &str) -> syn::Result<Ttl> {
    match literal::bare(expr) {
        Expr::Closure(_) => closure(1)(expr, "ttl = |value| value.lifetime()").map(Ttl::OfValue),
        Expr::Lit(_) => literal::duration(expr, example).map(Ttl::Fixed),
        _ => Err(literal::expected(
            expr,
            "a duration in a string literal or a closure",
            "ttl = \"1h\"` or `ttl = |value| HOUR",
        )),
    }
}

/// `"80%"` of the ttl, or an age.
fn refresh(expr: &Expr, example: &str) -> syn::Result<Refresh> {
    let literal = literal::string(expr, example)?;
    if !literal.value().trim_end().ends_with('%') {
        let message = |error| format!("{error}; or write a part of the ttl, as in \"80%\"");
        return literal::duration(expr, example)
            .map(Refresh::Age)
            .map_err(|error| syn::Error::new(literal.span(), message(error)));
    }
    let part = literal.value().trim().trim_end_matches('%').trim().parse::<f64>();
    if part.is_ok_and(|part| part >= 100.0) {
        let message = "an entry is past its ttl by then, so `refresh` would never begin: write an earlier point, as in \"80%\"";
        return Err(syn::Error::new_spanned(expr, message));
    }
    match literal::percent(expr, example)? {
        0 => Err(syn::Error::new_spanned(
            expr,
            "at 0% of its ttl an entry is as new as it will ever be: write a later point, as in \"80%\"",
        )),
        part => Ok(Refresh::Part(part)),
    }
}

fn backend(expr: &Expr, example: &str) -> syn::Result<Backend> {
    match literal::bare(expr) {
        Expr::Path(path)
            if path
                .path
                .get_ident()
                .is_some_and(|name| names::is_store(&name.to_string())) =>
        {
            let name = path.to_token_stream();
            let message = format!("the name of a store is a string literal: `backend = \"{name}\"`");
            Err(syn::Error::new_spanned(path, message))
        }
        Expr::Path(path) if path.qself.is_none() => Ok(Backend::Const(path.path.clone())),
        Expr::Reference(reference) => backend(&reference.expr, example),
        Expr::Array(array) if array.elems.is_empty() => {
            Err(literal::expected(expr, "at least one store", example))
        }
        Expr::Array(array) => array
            .elems
            .iter()
            .map(|name| store(name, example))
            .collect::<syn::Result<_>>()
            .map(Backend::Names),
        Expr::Lit(_) => Ok(Backend::Names(vec![store(expr, example)?])),
        _ => Err(literal::expected(
            expr,
            "a store, several in brackets, or the path of a `const`",
            example,
        )),
    }
}

fn store(expr: &Expr, example: &str) -> syn::Result<LitStr> {
    let name = literal::string(expr, example)?;
    if name.value().is_empty() {
        return Err(syn::Error::new(name.span(), "a store's name cannot be empty"));
    }
    if name.value().contains(',') {
        let names: Vec<String> = name
            .value()
            .split(',')
            .map(|name| format!("{:?}", name.trim()))
            .collect();
        let message = format!(
            "this is one name; a chain of several is a list: `[{}]`",
            names.join(", ")
        );
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(name)
}

fn capacity(expr: &Expr, example: &str) -> syn::Result<u64> {
    match literal::integer(expr, example)? {
        0 => Err(syn::Error::new_spanned(
            expr,
            "a capacity of zero keeps nothing: write at least 1",
        )),
        entries => Ok(entries),
    }
}

fn max_bytes(expr: &Expr, example: &str) -> syn::Result<u64> {
    match literal::size(expr, example)? {
        0 => Err(syn::Error::new_spanned(
            expr,
            "a size of zero keeps nothing: write a larger one",
        )),
        bytes => Ok(bytes),
    }
}

fn strategy(expr: &Expr, example: &str) -> syn::Result<Strategy> {
    let (name, _) = choice(expr, example, names::STRATEGIES, &[])?;
    Ok(match name.as_str() {
        "write_through" => Strategy::WriteThrough,
        "write_behind" => Strategy::WriteBehind,
        "refresh_ahead" => Strategy::RefreshAhead,
        _ => Strategy::CacheAside,
    })
}

fn single_flight(expr: &Expr, example: &str) -> syn::Result<bool> {
    choice(expr, example, names::FLIGHTS, names::FLIGHTS_LATER).map(|(name, _)| name == "process")
}

fn codec(expr: &Expr, example: &str) -> syn::Result<Ident> {
    choice(expr, example, names::CODECS, &[]).map(|(name, span)| Ident::new(&name, span))
}

//! Everything decided about a cached function.

use super::{Key, door, key, value};
use crate::args::{Backend, CacheArgs, Refresh, Strategy, Tier, Ttl};
use crate::function::{Form, Function};
use crate::names::{Companions, MEMORY, stretched};
use crate::words::speaks_of_self_type;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use std::time::Duration;
use syn::ext::IdentExt;
use syn::{Expr, ExprClosure, Ident, LitStr, Type};

/// What to print.
pub(crate) struct CachePlan {
    pub(crate) door: TokenStream,
    pub(crate) function: Function,
    pub(crate) form: Form,
    /// What the function's future yields.
    pub(crate) output: Type,
    /// Siblings are reached through `Self::`.
    pub(crate) in_impl: bool,
    /// The siblings' names; `None` if there are to be none.
    pub(crate) companions: Option<Companions>,
    /// The type of the kept values.
    pub(crate) value: TokenStream,
    /// Where the user named it, from the first word to the last.
    pub(crate) value_span: (Span, Span),
    pub(crate) key: Key,
    pub(crate) spec: Spec,
    pub(crate) hooks: Hooks,
    pub(crate) caches: Option<Expr>,
    /// Where `none_ttl` is.
    pub(crate) says_none: Option<Span>,
    pub(crate) share_error: Option<ExprClosure>,
}

/// What is known of the cache without its types.
pub(crate) struct Spec {
    pub(crate) name: Option<LitStr>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) jitter: Option<u32>,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) stale: Option<Duration>,
    pub(crate) backend: Option<Backend>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) capacity: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) single_flight: bool,
    pub(crate) codec: Option<Ident>,
    pub(crate) version: Option<u32>,
    pub(crate) compress: Option<u64>,
    pub(crate) strategy: Strategy,
    /// Every store of the chain is known to keep typed values.
    pub(crate) memory_only: bool,
}

/// When an entry is reloaded under `refresh_ahead`, if `refresh` does not say otherwise.
const REFRESH_AHEAD: Refresh = Refresh::Part(800_000);

impl Spec {
    /// A hit may start a run of the body in the background.
    pub(crate) fn reloads(&self) -> bool {
        self.refresh.is_some() || self.stale.is_some()
    }
}

/// What looks at values.
pub(crate) struct Hooks {
    pub(crate) ttl: Option<ExprClosure>,
    pub(crate) expires: Option<ExprClosure>,
    pub(crate) cache_if: Option<ExprClosure>,
    pub(crate) weight: Option<ExprClosure>,
}

impl CachePlan {
    /// The same tokens, reported at the type of the values.
    pub(crate) fn at_value(&self, tokens: TokenStream) -> TokenStream {
        let (first, last) = self.value_span;
        stretched(tokens, first, last)
    }

    /// Of arguments and a function that go together.
    pub(crate) fn new(args: CacheArgs, function: Function, form: Form, output: Type) -> Self {
        let door = door(args.krate.as_ref().map(|krate| &krate.value));
        let in_impl = function.receiver().is_some()
            || args.in_impl.as_ref().map_or_else(
                || args.names_self() || speaks_of_self_type(&function),
                |in_impl| in_impl.value,
            );
        let key = key::plan(&args, &function);
        let spelled = value::spelled(&output, &function, in_impl);
        let value_words = spelled.as_ref().unwrap_or(&output).to_token_stream();
        let mut value_words = value_words.into_iter().map(|word| word.span());
        let first = value_words.next().unwrap_or_else(Span::mixed_site);
        let value_span = (first, value_words.last().unwrap_or(first));
        let value = value::of(&output, &function, in_impl, &door);
        let has_companions = args.wants_companions();
        let memory_only = match args.backend.as_ref().map(|backend| &backend.value) {
            Some(Backend::Names(names)) => names.iter().all(|name| MEMORY.contains(&name.value().as_str())),
            Some(Backend::Const(_)) | None => false,
        };
        let (fixed, of_value) = match args.ttl.map(|ttl| ttl.value) {
            Some(Ttl::Fixed(ttl)) => (Some(ttl), None),
            Some(Ttl::OfValue(closure)) => (None, Some(closure)),
            None => (None, None),
        };
        let says_none = args.none_ttl.as_ref().map(|ttl| ttl.name.span());
        let strategy = args.strategy.map(|strategy| strategy.value);
        let refresh = args.refresh.map(|refresh| refresh.value);
        let spec = Spec {
            name: args.name.map(|name| name.value),
            ttl: fixed,
            jitter: args.jitter.map(|jitter| jitter.value),
            none_ttl: args.none_ttl.map(|ttl| ttl.value),
            idle: args.idle.map(|idle| idle.value),
            refresh: refresh.or((strategy == Some(Strategy::RefreshAhead)).then_some(REFRESH_AHEAD)),
            stale: args.stale.map(|stale| stale.value),
            backend: args.backend.map(|backend| backend.value),
            tiers: args.tiers,
            capacity: args.capacity.map(|capacity| capacity.value),
            max_bytes: args.max_bytes.map(|bytes| bytes.value),
            single_flight: args.single_flight.is_none_or(|flight| flight.value),
            codec: args.codec.map(|codec| codec.value),
            version: args.version.map(|version| version.value),
            compress: args.compress.map(|size| size.value),
            strategy: strategy.unwrap_or(Strategy::CacheAside),
            memory_only,
        };
        let hooks = Hooks {
            ttl: of_value,
            expires: args.expires.map(|closure| closure.value),
            cache_if: args.cache_if.map(|closure| closure.value),
            weight: args.weight.map(|closure| closure.value),
        };
        Self {
            door,
            form,
            output,
            in_impl,
            companions: has_companions.then(|| companions(&function.sig.ident, in_impl)),
            value,
            value_span,
            key,
            spec,
            hooks,
            caches: args.caches.map(|caches| caches.value),
            says_none,
            share_error: args.share_error.map(|closure| closure.value),
            function,
        }
    }
}

/// In the `impl` of a trait the compiler refuses the companions one by one, by their names, which is all that can be said there.
fn companions(function: &Ident, in_impl: bool) -> Companions {
    let mut companions = Companions::of(function);
    if in_impl {
        let plain = function.unraw();
        companions.definition = format_ident!(
            "__{plain}_needs_companions_false_in_a_trait",
            span = function.span()
        );
    }
    companions
}

//! Every name in one place: the arguments a user may write, the stores kept in memory, and the identifiers the expansion makes.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;

/// The arguments of `#[cache]`, each with an example that messages show.
pub(crate) const CACHE: &[(&str, &str)] = &[
    ("key", "key = \"user:{id}\""),
    ("skip", "skip(db)"),
    ("name", "name = \"users\""),
    ("ttl", "ttl = \"1h30m\""),
    ("jitter", "jitter = \"10%\""),
    ("none_ttl", "none_ttl = \"30s\""),
    ("idle", "idle = \"10m\""),
    ("expires", "expires = |value| value.valid_until"),
    ("refresh", "refresh = \"80%\""),
    ("stale", "stale = \"5m\""),
    ("cache_if", "cache_if = |value| value.active"),
    ("backend", "backend = [\"local\", \"redis\"]"),
    ("tier", "tier(\"local\", ttl = \"30s\")"),
    ("capacity", "capacity = 10_000"),
    ("max_bytes", "max_bytes = \"64MiB\""),
    ("weight", "weight = |key, value| value.len() as u64"),
    ("strategy", "strategy = \"write_through\""),
    ("single_flight", "single_flight = \"off\""),
    ("share_error", "share_error = |error| error.summary()"),
    ("codec", "codec = \"json\""),
    ("version", "version = 2"),
    ("compress", "compress = \"1KiB\""),
    ("caches", "caches = self.caches"),
    ("companions", "companions = false"),
    ("in_impl", "in_impl = true"),
    ("entries", "entries(get_user(id) for id in ids)"),
    ("crate", "crate = my_crate::cached_runtime"),
];

/// Arguments of `#[cache]` that are part of the design and not there yet.
pub(crate) const CACHE_LATER: &[&str] = &["fallback", "timeout", "max_stale", "max_loads", "tags"];

/// The settings of one tier.
pub(crate) const TIER: &[(&str, &str)] = &[
    ("ttl", "ttl = \"30s\""),
    ("capacity", "capacity = 10_000"),
    ("max_bytes", "max_bytes = \"64MiB\""),
];

/// The arguments of `#[invalidate]` that are not the name of a cached function.
pub(crate) const INVALIDATE: &[(&str, &str)] = &[
    ("key", "key = \"user:{id}\""),
    ("pattern", "pattern = \"user:{id}:*\""),
    ("when", "when = \"always\""),
    ("caches", "caches = self.caches"),
    ("crate", "crate = my_crate::cached_runtime"),
];

/// Arguments of `#[invalidate]` that are part of the design and not there yet.
pub(crate) const INVALIDATE_LATER: &[&str] = &["tag", "tags"];

/// The arguments of `#[update]` that are not the name of a cached function.
pub(crate) const UPDATE: &[(&str, &str)] = &[
    ("strategy", "strategy = \"write_behind\""),
    ("queue", "queue = 10_000"),
    ("retries", "retries = 5"),
    ("concurrency", "concurrency = 16"),
    ("batch", "batch = 100"),
    ("every", "every = \"100ms\""),
    ("crate", "crate = my_crate::cached_runtime"),
];

pub(crate) const STRATEGIES: &[&str] = &[
    "cache_aside",
    "read_through",
    "write_through",
    "write_behind",
    "refresh_ahead",
];
/// What a writer may say itself.
pub(crate) const WRITER_STRATEGIES: &[&str] = &["write_behind"];
pub(crate) const FLIGHTS: &[&str] = &["process", "off"];
pub(crate) const FLIGHTS_LATER: &[&str] = &["cluster"];
pub(crate) const CODECS: &[&str] = &["bincode", "postcard", "messagepack", "json"];
pub(crate) const WHENS: &[&str] = &["after", "before", "always"];

/// The stores that keep typed values in this process. They need no codec.
pub(crate) const MEMORY: &[&str] = &["local", "moka"];

/// The stores that environment variables provide.
const REMOTE: &[&str] = &["redis", "memcached", "mysql", "postgres", "sqlite"];

/// What arguments are called elsewhere, and what they are called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cache_none", "none_ttl"),
    ("negative_ttl", "none_ttl"),
    ("option", "none_ttl"),
    ("condition", "cache_if"),
    ("when", "cache_if"),
    ("convert", "key"),
    ("prefix", "key"),
    ("ignore", "skip"),
    ("exclude", "skip"),
    ("expire", "ttl"),
    ("expiry", "ttl"),
    ("time", "ttl"),
    ("time_to_live", "ttl"),
    ("time_to_idle", "idle"),
    ("tti", "idle"),
    ("max_capacity", "capacity"),
    ("max_entries", "capacity"),
    ("max_size", "capacity"),
    ("size", "capacity"),
    ("refresh_after", "refresh"),
    ("refresh_at", "refresh"),
    ("stale_while_revalidate", "stale"),
    ("swr", "stale"),
    ("store", "backend"),
    ("stores", "backend"),
    ("tiers", "tier"),
    ("serializer", "codec"),
    ("compression", "compress"),
    ("coalesce", "single_flight"),
    ("sync_writes", "single_flight"),
];

/// What these are mistaken to be called.
pub(crate) const MEMORY_ELSEWHERE: &[&str] = &["memory", "in_memory", "in-memory", "mem", "ram"];

/// The returned value, in the arguments of `#[invalidate]`.
pub(crate) const OUTPUT: &str = "output";

/// The identifiers of what stands beside a cached function.
pub(crate) struct Companions {
    pub(crate) definition: Ident,
    pub(crate) entry: Ident,
    /// The entry as a method, whether or not the key uses `self`.
    pub(crate) entry_of_self: Ident,
    pub(crate) cache: Ident,
    pub(crate) uncached: Ident,
    /// The same as a run in the background.
    pub(crate) again: Ident,
}

impl Companions {
    /// Of the function of this name; they point at it in messages.
    pub(crate) fn of(function: &Ident) -> Self {
        let plain = function.unraw();
        let named = |ident: Ident| respan(&ident, function.span());
        Self {
            // Not found where the function is in an `impl` and nothing shows it; this name is all that can be said there.
            definition: named(format_ident!("__{plain}_needs_in_impl_true_in_an_impl")),
            entry: named(format_ident!("{plain}_entry")),
            entry_of_self: named(format_ident!("__{plain}_entry")),
            cache: named(format_ident!("{plain}_cache")),
            uncached: named(format_ident!("{plain}_uncached")),
            again: named(format_ident!("__{plain}_again")),
        }
    }
}

/// A local variable of the expansion, which no user's variable can clash with.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The same identifier, looking as if it was written at `span`.
pub(crate) fn respan(ident: &Ident, span: Span) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// The same tokens, reported at `span`, each still meaning what it meant.
pub(crate) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let located = tokens.into_iter().map(|token| {
        let place = token.span().located_at(span);
        let mut token = match token {
            TokenTree::Group(group) => {
                TokenTree::Group(Group::new(group.delimiter(), located(group.stream(), span)))
            }
            token => token,
        };
        token.set_span(place);
        token
    });
    located.collect()
}

/// The same tokens, reported from `first` to `last`.
pub(crate) fn stretched(tokens: TokenStream, first: Span, last: Span) -> TokenStream {
    let mut tokens = tokens.into_iter();
    let start = located(tokens.next().into_iter().collect(), first);
    let rest = located(tokens.collect(), last);
    quote!(#start #rest)
}

/// A reference to what the user wrote, all of it the user's, or the compiler would report it at the attribute.
pub(crate) fn borrowed(expr: &TokenStream) -> TokenStream {
    let span = expr
        .clone()
        .into_iter()
        .next()
        .map_or_else(Span::mixed_site, |token| token.span());
    quote_spanned!(span=> &#expr)
}

/// ", did you mean `x`?" or a list of what there is.
pub(crate) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.len() == 1 => format!("there is only {}", listed(&known)),
        None => format!("the choices are {}", listed(&known)),
    }
}

/// The one that is likely to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = known.into_iter().map(|name| (distance(word, name), name)).min();
    let is_near = |(distance, name): &(usize, &str)| {
        *distance <= name.len().max(word.len()) / 3 + 1 && *distance < word.len()
    };
    nearest.filter(is_near).map(|(_, name)| name)
}

/// What an unknown argument was to say, in words of its own, where that is no matter of spelling.
pub(crate) fn meant(word: &str, known: &[(&str, &str)]) -> Option<String> {
    let is_known = |name: &str| known.iter().any(|(known, _)| *known == name);
    let value_of = [
        ("strategy", STRATEGIES),
        ("codec", CODECS),
        ("backend", MEMORY),
        ("backend", REMOTE),
    ];
    let value_of = value_of.iter().find(|(_, values)| values.contains(&word));
    if let Some((name, _)) = value_of.filter(|(name, _)| is_known(name)) {
        return Some(format!("write `{name} = \"{word}\"`"));
    }
    let here = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == word);
    here.filter(|(_, here)| is_known(here))
        .map(|(_, here)| format!("did you mean `{here}`?"))
}

/// Whether this is the name of a store that needs no name of the user's.
pub(crate) fn is_store(word: &str) -> bool {
    MEMORY.contains(&word) || REMOTE.contains(&word)
}

/// "`a`, `b` and `c`"
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => format!("`{only}`"),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", init.join(", "))
        }
    }
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (i, a) in left.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut cost = (row[j] + usize::from(a != *b))
                .min(row[j + 1] + 1)
                .min(next[j] + 1);
            if j > 0 && previous == Some(*b) && right[j - 1] == a {
                cost = cost.min(before[j - 1] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(a);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let known = || CACHE.iter().map(|(name, _)| *name);
        assert_eq!(suggestion("tll", known()), "did you mean `ttl`?");
        assert_eq!(suggestion("capasity", known()), "did you mean `capacity`?");
        assert_eq!(suggestion("backends", known()), "did you mean `backend`?");
        assert!(suggestion("zzz", known()).starts_with("the choices are `key`, `skip`"));
    }

    #[test]
    fn what_is_called_otherwise_elsewhere_is_known() {
        assert_eq!(meant("swr", CACHE).as_deref(), Some("did you mean `stale`?"));
        assert_eq!(
            meant("redis", CACHE).as_deref(),
            Some("write `backend = \"redis\"`")
        );
        assert_eq!(
            meant("write_behind", UPDATE).as_deref(),
            Some("write `strategy = \"write_behind\"`")
        );
        assert_eq!(meant("swr", UPDATE), None);
        let known = |name: &str| CACHE.iter().any(|(known, _)| *known == name);
        assert!(
            ELSEWHERE
                .iter()
                .all(|(elsewhere, here)| !known(elsewhere) && known(here))
        );
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

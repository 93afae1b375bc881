//! Rules about how long entries live, and about what is reloaded before or after that.

use super::{owned, place};
use crate::args::{CacheArgs, Refresh, Strategy, Ttl};
use crate::function::Function;
use crate::mistakes::Mistakes;
use std::time::Duration;
use syn::Ident;

pub(super) fn cache(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) {
    if !args.incomplete {
        jitter(args, mistakes);
        counted_from(args, mistakes);
    }
    never(args, mistakes);
    reloads(args, function, mistakes);
}

fn jitter(args: &CacheArgs, mistakes: &mut Mistakes) {
    let any = args.ttl.is_some()
        || args.expires.is_some()
        || args.none_ttl.is_some()
        || args.tiers.iter().any(|tier| tier.ttl.is_some());
    if let Some(jitter) = &args.jitter
        && !any
    {
        let message = "`jitter` is taken off a ttl, and there is none: add `ttl = \"1h\"`, or remove it";
        mistakes.at(jitter.name.span(), message);
    }
}

/// What is counted from a ttl needs one.
fn counted_from(args: &CacheArgs, mistakes: &mut Mistakes) {
    if args.ttl.is_some() || args.expires.is_some() {
        return;
    }
    if let Some(stale) = &args.stale {
        let message = "`stale` begins where the ttl ends, and there is none: add `ttl = \"1h\"` (or `expires`), or remove it";
        mistakes.at(stale.name.span(), message);
    }
    match (&args.refresh, &args.strategy) {
        (Some(refresh), _) if matches!(refresh.value, Refresh::Part(_)) => {
            let message = "a percentage is taken of the ttl, and there is none: add `ttl = \"1h\"` (or `expires`), or write an age: `refresh = \"45m\"`";
            mistakes.at(refresh.name.span(), message);
        }
        (None, Some(strategy)) if strategy.value == Strategy::RefreshAhead => {
            let message = "`refresh_ahead` reloads at 80% of the ttl, and there is none: add `ttl = \"1h\"` (or `expires`), or write an age: `refresh = \"45m\"`";
            mistakes.at(strategy.name.span(), message);
        }
        _ => {}
    }
}

/// What can be seen to never happen.
fn never(args: &CacheArgs, mistakes: &mut Mistakes) {
    let Some(Ttl::Fixed(ttl)) = args.ttl.as_ref().map(|ttl| &ttl.value) else {
        return;
    };
    let mut later = |name: &Ident, span: Duration, what: &str| {
        if span >= *ttl {
            let message = format!(
                "an entry is past its ttl before that, so {what}: write less than the `ttl`, or remove it"
            );
            mistakes.at(name.span(), message);
        }
    };
    if let Some(idle) = &args.idle {
        later(&idle.name, idle.value, "`idle` would never end one");
    }
    if let Some(refresh) = &args.refresh
        && let Refresh::Age(age) = refresh.value
    {
        later(&refresh.name, age, "`refresh` would never begin");
    }
}

/// A run of the body in the background is one of the companion that is nothing but the body, with arguments of its own.
fn reloads(args: &CacheArgs, function: &Function, mistakes: &mut Mistakes) {
    let ahead = args
        .strategy
        .as_ref()
        .filter(|strategy| strategy.value == Strategy::RefreshAhead);
    let (name, why) = match (&args.refresh, &args.stale, ahead) {
        (Some(refresh), ..) => (&refresh.name, "`refresh`"),
        (_, Some(stale), _) => (&stale.name, "`stale`"),
        (.., Some(strategy)) => (&strategy.name, "`refresh_ahead`"),
        (None, None, None) => return,
    };
    let cure = "put `#[cache]` on a method outside of the trait, and call that one from here";
    if !args.wants_companions() {
        let message = format!(
            "{why} runs the body by itself in the background, as a companion that `companions = false` forbids: {cure}"
        );
        mistakes.at(name.span(), message);
    } else if place::leaves_no_room(args, function) {
        let message = format!(
            "{why} runs the body by itself in the background, as a companion for which the `impl` of a trait has no room: {cure}"
        );
        mistakes.at(name.span(), message);
    }
    owned::arguments(function, why, mistakes);
}

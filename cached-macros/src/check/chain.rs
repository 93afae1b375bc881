//! Rules about the chain of stores, where it is written out, and the bounds of its memory tier.

use crate::args::{Backend, CacheArgs, Opt, Tier};
use crate::mistakes::Mistakes;
use crate::names::{self, MEMORY, MEMORY_ELSEWHERE};
use syn::LitStr;

pub(super) fn cache(args: &CacheArgs, mistakes: &mut Mistakes) {
    let chain = match args.backend.as_ref().map(|backend| &backend.value) {
        Some(Backend::Names(names)) => Some(names.as_slice()),
        Some(Backend::Const(_)) | None => None,
    };
    if let Some(chain) = chain {
        order(chain, mistakes);
    }
    for (position, tier) in args.tiers.iter().enumerate() {
        settings(tier, &args.tiers[..position], chain, mistakes);
        if args.backend.is_none() {
            of_any_chain(tier, mistakes);
        }
    }
    bounds(args, chain, mistakes);
}

fn is_memory(store: &LitStr) -> bool {
    MEMORY.contains(&store.value().as_str())
}

/// Each store once, memory first.
fn order(chain: &[LitStr], mistakes: &mut Mistakes) {
    for (position, store) in chain.iter().enumerate() {
        let name = store.value();
        if chain[..position].iter().any(|earlier| earlier.value() == name) {
            mistakes.at(
                store.span(),
                format!("`{name}` is in this chain already: name each store once"),
            );
        } else if is_memory(store) && chain[..position].iter().any(is_memory) {
            mistakes.at(
                store.span(),
                "one store in memory is enough: the second would keep the same values; remove one",
            );
        } else if is_memory(store) && position > 0 {
            let message = format!("a chain goes from the fastest store to the slowest: put \"{name}\" first");
            mistakes.at(store.span(), message);
        }
    }
}

/// The settings of one tier.
fn settings(tier: &Tier, earlier: &[Tier], chain: Option<&[LitStr]>, mistakes: &mut Mistakes) {
    let name = tier.store.value();
    if earlier.iter().any(|earlier| earlier.store.value() == name) {
        mistakes.at(
            tier.store.span(),
            format!("the settings of `{name}` are given twice: put them into one `tier(..)`"),
        );
    }
    if let Some(chain) = chain
        && !chain.iter().any(|store| store.value() == name)
    {
        let stores: Vec<String> = chain.iter().map(LitStr::value).collect();
        let nearest = names::suggestion(&name, stores.iter().map(String::as_str));
        mistakes.at(
            tier.store.span(),
            format!("`{name}` is not in this function's `backend`: {nearest}"),
        );
    }
    if !is_memory(&tier.store) {
        let bounds = [
            tier.capacity.as_ref().map(|bound| &bound.name),
            tier.max_bytes.as_ref().map(|bound| &bound.name),
        ];
        for bound in bounds.into_iter().flatten() {
            let message =
                format!("`{bound}` bounds memory, and `{name}` has limits of its own: remove it here");
            mistakes.at(bound.span(), message);
        }
    }
}

/// The chain is the one of whichever `Caches` is in force, of stores that may have any name: only a name that is meant for
/// memory can be seen to be none.
fn of_any_chain(tier: &Tier, mistakes: &mut Mistakes) {
    let name = tier.store.value();
    if MEMORY_ELSEWHERE.contains(&name.to_lowercase().as_str()) {
        let message = format!(
            "no tier is called `{name}`: write `tier(\"local\", ..)` for the one in memory; a store of your own of this name is to stand in `backend` too"
        );
        mistakes.at(tier.store.span(), message);
    }
}

/// The bounds of the memory tier: said once, with what they need.
fn bounds(args: &CacheArgs, chain: Option<&[LitStr]>, mistakes: &mut Mistakes) {
    let in_tier = |bound: fn(&Tier) -> Option<&Opt<u64>>| {
        args.tiers
            .iter()
            .filter(|tier| is_memory(&tier.store))
            .find_map(bound)
    };
    let tier_max_bytes = in_tier(|tier| tier.max_bytes.as_ref());
    let both = [
        (args.capacity.as_ref(), in_tier(|tier| tier.capacity.as_ref())),
        (args.max_bytes.as_ref(), tier_max_bytes),
    ];
    for (own, of_tier) in both {
        if let (Some(own), Some(_)) = (own, of_tier) {
            let name = &own.name;
            let message =
                format!("`{name}` is said of the memory tier too: there is only one, so say it once");
            mistakes.at(name.span(), message);
        }
        if let (Some(own), Some(chain)) = (own, chain)
            && !chain.iter().any(is_memory)
        {
            let name = &own.name;
            let message = format!(
                "`{name}` bounds memory, and nothing in this chain is: add \"local\" to `backend`, or remove it"
            );
            mistakes.at(name.span(), message);
        }
    }
    if args.incomplete {
        return;
    }
    match (args.max_bytes.as_ref().or(tier_max_bytes), &args.weight) {
        (Some(max_bytes), None) => {
            let message =
                "how many bytes an entry has must be told: add `weight = |key, value| ..`, or use `capacity`";
            mistakes.at(max_bytes.name.span(), message);
        }
        (None, Some(weight)) => {
            let message =
                "a weight is counted against a bound in bytes: add `max_bytes = \"64MiB\"`, or remove it";
            mistakes.at(weight.name.span(), message);
        }
        _ => {}
    }
}

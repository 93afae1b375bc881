//! What the generations of caches are called, in stores that cannot find keys by pattern.
//!
//! Called by the guard, which removes them in the place of entries it cannot name, and by the tier that reads entries
//! under them, where it is told what they are for.

use crate::key::escape_value;
use crate::store::Store;

/// Before the keys of generations. A value's key begins like this only if somebody's template spells it out; what it
/// holds is then no generation, and the caches that would need one go without that store.
const MARK: &str = "{generation}:";
/// Numbers tried to find a key in each part of a store.
const MOST_TRIES: usize = 100_000;

/// What the generation of a namespace is called, if there is one.
pub(crate) fn of_namespace(prefix: &str) -> Option<String> {
    (!prefix.is_empty()).then(|| format!("{MARK}{prefix}"))
}

/// What the generation of a cache is called.
pub(crate) fn of_cache(prefix: &str, name: &str) -> String {
    format!("{MARK}{prefix}{}", escape_value(name))
}

/// The keys under which the generation of this name lies, one in each part of the store, in their order.
pub(crate) fn keys(store: &dyn Store, name: &str) -> Vec<String> {
    let parts = store.parts();
    if parts <= 1 {
        return vec![name.to_owned()];
    }
    let mut keys: Vec<Option<String>> = vec![None; parts];
    let mut left = parts;
    for number in 0..MOST_TRIES {
        let key = format!("{name}#{number}");
        if let Some(none @ None) = keys.get_mut(store.part_of(&key)) {
            *none = Some(key);
            left -= 1;
        }
        if left == 0 {
            break;
        }
    }
    // A part that nothing could be made to lie in keeps no entries either.
    keys.into_iter()
        .map(|key| key.unwrap_or_else(|| name.to_owned()))
        .collect()
}

//! Looks from outside of a call: what an entry's `get` and a cache's `get_many` do.
//!
//! They join no flight, since nobody is to wait for what may never be loaded, and copy what they find into the tiers
//! above, under the same stamps and tokens as a load.

use std::collections::HashMap;
use std::sync::Arc;

use super::load::{Keyed, Load, Look, Role};
use crate::caches::function::Function;
use crate::entry::Content;
use crate::key::KeyBytes;
use crate::tier::memory::Probe;
use crate::tier::remote::Had;

impl Load {
    /// A look for one key.
    pub(crate) async fn aside(function: Arc<Function>, probe: Probe<'_>) -> Option<Content> {
        if function.disabled {
            return None;
        }
        let mut load = Self::of_one(Arc::clone(&function), probe);
        let look = load.look(true);
        if !matches!(look, Look::Now(Some(_))) && function.memory.is_some() {
            function.counts.memory_misses.add_one();
        }
        let found = match look {
            Look::Now(found) => found,
            Look::Later(looking) => load.looked(true, looking.await),
        };
        if found.is_none() {
            function.counts.misses.add_one();
        }
        found
    }

    fn of_one(function: Arc<Function>, probe: Probe<'_>) -> Self {
        let key = Box::new(Keyed::new(probe));
        Self::new(function, Role::Alone { key, replace: false })
    }
}

/// A key that memory did not have.
struct Sought {
    text: String,
    /// Holds its stamp, and the permits of the tiers that did not have it.
    load: Load,
    found: Option<Content>,
}

/// A look for several keys, in one round trip to each remote tier for those that no tier above has. Answers in the order
/// of the keys; a key that is there twice is looked for once.
pub(crate) async fn get_many(function: &Arc<Function>, keys: &[KeyBytes]) -> Vec<Option<Content>> {
    if function.disabled {
        return vec![None; keys.len()];
    }
    let mut places: HashMap<&[u8], Result<Content, usize>> = HashMap::with_capacity(keys.len());
    let mut sought = Vec::new();
    for key in keys {
        places.entry(key).or_insert_with(|| {
            let probe = super::probe_of(key);
            let memory = function.memory.as_ref();
            if let Some(held) = memory.and_then(|memory| memory.read(&probe)) {
                return Ok(held);
            }
            let load = Load::of_one(Arc::clone(function), probe);
            if let Some(pending) = load.pending() {
                return Ok(pending);
            }
            if memory.is_some() {
                function.counts.memory_misses.add_one();
            }
            sought.push(Sought {
                text: function.full_key(key),
                load,
                found: None,
            });
            Err(sought.len() - 1)
        });
    }
    look_down(function, &mut sought).await;
    let missed = sought.iter().filter(|sought| sought.found.is_none()).count();
    function.counts.misses.add(missed);
    let found = |key: &KeyBytes| match places.get(&**key)? {
        Ok(held) => Some(held.clone()),
        Err(place) => sought.get(*place)?.found.clone(),
    };
    keys.iter().map(found).collect()
}

async fn look_down(function: &Arc<Function>, sought: &mut [Sought]) {
    let Some(form) = function.form(true) else { return };
    for remote in &function.remotes {
        let mut left: Vec<&mut Sought> = sought
            .iter_mut()
            .filter(|sought| sought.found.is_none())
            .collect();
        if left.is_empty() {
            return;
        }
        let keys: Vec<String> = left.iter().map(|sought| sought.text.clone()).collect();
        let had = remote.get_many(&keys, &form).await;
        let mut read = Vec::new();
        for (sought, had) in left.iter_mut().zip(had) {
            match had {
                Had::Nothing(permit) => sought.load.permits.push(permit),
                Had::Entry { content, plan } => {
                    if plan.idle.is_some() {
                        read.push((sought.text.clone(), plan.whole_left()));
                    }
                    sought.load.fill_memory(&content, plan);
                    sought.load.backfill(sought.text.clone(), &content, plan);
                    sought.found = Some(content);
                }
            }
        }
        function.tell_many_below(read);
    }
}

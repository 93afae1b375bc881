//! Removing everything from a store that cannot find its keys: by generation.
//!
//! Called by `remote` for stores without patterns. Knows keys and bytes, neither values nor functions.
//!
//! The *generation* of a cache is a random number that lies in the store beside its entries, under a key of its own.
//! Every entry begins with the generation it was loaded under; a look-up asks for generation and entry in one round
//! trip, and an entry of another generation is a miss. So to void a whole cache is to remove one key, which every store
//! can, and which is queued and replayed as any removal is:
//!
//! * The next look-up that finds no generation draws another, and whatever was there has an older one. A generation that
//!   the store evicts, or loses with everything else, voids the cache too: too much goes, never too little.
//! * The generation is known before the load begins, and the entry is stored under that one. If it was removed in
//!   between, the entry is stored, and nobody will ever read it.
//! * Two that draw at the same moment hold the token of one miss, and the store takes one of them.
//!
//! In a store of several parts (servers) each has its own, so that a part that is lost takes no other along; to void a cache
//! is to remove them all. Under a namespace a second generation stands for all its caches, those of other programs included.

use std::sync::Arc;

use tokio::time::Instant;

use crate::resilience::{Guarded, Looked, generations};
use crate::store::{Filled, Store};

/// Bytes of one generation.
const LENGTH: usize = 16;
/// Where the generations lie that an entry of one cache depends on.
pub(crate) struct Generations {
    /// For each part of the store.
    parts: Vec<Vec<String>>,
}

/// What they were, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generation(Vec<u8>);

impl Generations {
    pub(crate) fn new(store: &dyn Store, prefix: &str, name: &str) -> Self {
        let names = generations::of_namespace(prefix)
            .into_iter()
            .chain([generations::of_cache(prefix, name)]);
        let mut parts = vec![Vec::new(); store.parts().max(1)];
        for name in names {
            for (part, key) in parts.iter_mut().zip(generations::keys(store, &name)) {
                part.push(key);
            }
        }
        Self { parts }
    }

    /// Those beside `key`.
    fn beside(&self, store: &Guarded, key: &str) -> &[String] {
        self.parts
            .get(store.store().part_of(key))
            .map_or(&[], Vec::as_slice)
    }

    /// Looks `key` up together with its generation. Of the latter, what was found of it.
    pub(crate) async fn look(&self, store: &Arc<Guarded>, key: &str) -> (Vec<Looked>, Looked) {
        let mut keys = self.beside(store, key).to_vec();
        keys.push(key.to_owned());
        let mut looked = store.get_many(&keys).await;
        let last = looked.pop().unwrap_or(Looked::Missing(None));
        (looked, last)
    }

    /// Looks several keys up together with their generations. Of the latter, what was found for each part of the store.
    pub(crate) async fn look_each(
        &self,
        store: &Arc<Guarded>,
        keys: &[String],
    ) -> (Vec<Vec<Looked>>, Vec<Looked>) {
        let asked = self.parts.iter().flatten().chain(keys);
        let mut looked = store
            .get_each(&asked.cloned().collect::<Vec<_>>())
            .await
            .into_iter();
        let beside = self
            .parts
            .iter()
            .map(|part| looked.by_ref().take(part.len()).collect());
        (beside.collect(), looked.collect())
    }

    /// The generation of each key, from what was found for the parts of the store.
    pub(crate) async fn settle_each(
        &self,
        store: &Arc<Guarded>,
        keys: &[String],
        looked: Vec<Vec<Looked>>,
    ) -> Vec<Option<Generation>> {
        let part_of = |key: &String| store.store().part_of(key);
        let mut settled = vec![None; self.parts.len()];
        for (part, looked) in looked.into_iter().enumerate() {
            // One of its keys stands for all of a part; a part without any is not needed.
            if let Some(key) = keys.iter().find(|key| part_of(key) == part) {
                settled[part] = self.settle(store, key, looked).await;
            }
        }
        let of = |key| settled.get(part_of(key)).cloned().flatten();
        keys.iter().map(of).collect()
    }

    /// The generation there is for each key, without the entries.
    pub(crate) async fn look_each_alone(
        &self,
        store: &Arc<Guarded>,
        keys: &[&str],
    ) -> Vec<Option<Generation>> {
        let mut known: Vec<Option<Option<Generation>>> = vec![None; self.parts.len()];
        let mut each = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(known) = known.get_mut(store.store().part_of(key)) else {
                each.push(None);
                continue;
            };
            if known.is_none() {
                let looked = self.look_alone(store, key).await;
                *known = Some(self.settle(store, key, looked).await);
            }
            each.push(known.clone().flatten());
        }
        each
    }

    /// The generation there is for `key`, without the entry.
    pub(crate) async fn look_alone(&self, store: &Arc<Guarded>, key: &str) -> Vec<Looked> {
        store.get_many(self.beside(store, key)).await
    }

    /// The generation that was found for `key`, or a new one in its place. `None` if the store has none and takes none.
    pub(crate) async fn settle(
        &self,
        store: &Arc<Guarded>,
        key: &str,
        looked: Vec<Looked>,
    ) -> Option<Generation> {
        let mut all = Vec::with_capacity(LENGTH * looked.len());
        for (key, looked) in self.beside(store, key).iter().zip(looked) {
            all.extend(one(store, key, looked).await?);
        }
        (!all.is_empty()).then_some(Generation(all))
    }
}

/// What was found, if all of it was.
pub(crate) fn found(looked: &[Looked]) -> Option<Generation> {
    let one = |looked: &Looked| match looked {
        Looked::Found(found) if found.bytes.len() == LENGTH => Some(found.bytes.clone()),
        _ => None,
    };
    let all: Option<Vec<_>> = looked.iter().map(one).collect();
    all.filter(|all| !all.is_empty())
        .map(|all| Generation(all.concat()))
}

async fn one(store: &Arc<Guarded>, key: &str, looked: Looked) -> Option<Vec<u8>> {
    let token = match looked {
        Looked::Found(found) if found.bytes.len() == LENGTH => return Some(found.bytes),
        Looked::Missing(token) => token?,
        // Somebody else's, or damaged: to be replaced.
        Looked::Found(_) | Looked::Unreadable(_) => store.reserve(key).await.ok()?,
    };
    let drawn = fastrand::u128(..).to_le_bytes();
    match store.fill(key, &drawn, None, &token).await {
        Ok(Filled::Stored) => Some(drawn.to_vec()),
        // Somebody was faster, or has just removed it.
        Ok(Filled::Refused) => match store.get(key, false, Instant::now()).await {
            Looked::Found(found) if found.bytes.len() == LENGTH => Some(found.bytes),
            _ => None,
        },
        Err(_) => None,
    }
}

impl Generation {
    /// The bytes of an entry of this generation.
    pub(crate) fn mark(&self, bytes: &[u8]) -> Vec<u8> {
        [&self.0, bytes].concat()
    }

    /// What [`mark`](Self::mark) was given, if it was this generation's.
    pub(crate) fn unmark(&self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        bytes.starts_with(&self.0).then(|| bytes.split_off(self.0.len()))
    }
}

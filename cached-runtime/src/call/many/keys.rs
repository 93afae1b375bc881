//! The keys of a batch: which of them there are, and which ids are about the same entry.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::caches::function::Function;
use crate::entry::Content;
use crate::key::KeyBytes;
use crate::tier::memory::Probe;

/// One key.
pub(super) struct Slot {
    hash: u64,
    bytes: KeyBytes,
    /// The first id that it is the key of.
    pub(super) id: usize,
    /// What there is, as far as that is known.
    pub(super) content: Option<Content>,
}

impl Slot {
    pub(super) fn probe(&self) -> Probe<'_> {
        Probe {
            hash: self.hash,
            bytes: &self.bytes,
        }
    }

    pub(super) fn key(&self) -> KeyBytes {
        self.bytes.clone()
    }
}

/// The keys of all ids.
#[derive(Default)]
pub(super) struct Keys {
    /// `None` where there are no ids, or where they are not of one cache.
    pub(super) function: Option<Arc<Function>>,
    pub(super) slots: Vec<Slot>,
    /// Ids whose key is that of an earlier one, with its slot.
    pub(super) again: Vec<(usize, usize)>,
    pub(super) ids: usize,
    places: HashMap<KeyBytes, usize, foldhash::fast::FixedState>,
    /// They are of several caches.
    mixed: bool,
}

impl Keys {
    /// The key of the next id.
    pub(super) fn add(&mut self, function: &Arc<Function>, hash: u64, bytes: &[u8]) {
        let id = self.ids;
        self.ids += 1;
        let first = self.function.get_or_insert_with(|| Arc::clone(function));
        self.mixed |= !Arc::ptr_eq(first, function);
        let bytes = KeyBytes::from(bytes);
        match self.places.entry(bytes.clone()) {
            Entry::Occupied(place) => self.again.push((id, *place.get())),
            Entry::Vacant(place) => {
                place.insert(self.slots.len());
                self.slots.push(Slot {
                    hash,
                    bytes,
                    id,
                    content: None,
                });
            }
        }
    }

    /// Leaves the first id of each key, and says for each id which of them has its entry.
    pub(super) fn distinct<Id>(&mut self, ids: Vec<Id>) -> (Vec<Id>, Vec<usize>) {
        let mut places = vec![0; ids.len()];
        let mut ids: Vec<Option<Id>> = ids.into_iter().map(Some).collect();
        let mut firsts = Vec::with_capacity(self.slots.len());
        for (place, slot) in self.slots.iter_mut().enumerate() {
            firsts.extend(ids[slot.id].take());
            places[slot.id] = place;
            slot.id = place;
        }
        for (id, place) in self.again.drain(..) {
            places[id] = place;
        }
        self.ids = firsts.len();
        (firsts, places)
    }

    /// All of them. Entries of several `Caches` have no tier in common that could be asked once.
    pub(super) fn finish(mut self) -> Self {
        self.places = HashMap::default();
        if self.mixed {
            tracing::warn!("the entries of one batch are of several `Caches`: it runs uncached");
            self.function = None;
        }
        self
    }
}

//! `#[update(entries(..))]`: what a writer of a list adds, the new values of many entries at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::Arc;

use super::Writer;
use super::update::{Make, ends, maker, wants};
use crate::behind::WrittenAtOnce;
use crate::caches::function::Function;
use crate::call::values::Ways;
use crate::fill::Puts;
use crate::handles::Entry;
use crate::hooks::CacheValue;
use crate::key::KeyBytes;
use crate::resilience::Failed;
use crate::tier::stamps::Moment;

/// The entries of a list, each once: of items of one entry the last counts.
pub(crate) struct Each<'t, T, V> {
    /// Of each cached function; of more than one where its entries are of several `Caches`.
    pub(crate) groups: Vec<(Arc<Function>, Vec<KeyBytes>)>,
    /// Each with its group and the place of its key in there.
    pub(crate) items: Vec<(&'t T, usize, usize)>,
    /// Where there are any.
    pub(crate) ways: Option<fn() -> Ways<V>>,
}

/// What is to become of an item.
pub(crate) type Placed<V> = (Arc<Function>, KeyBytes, fn() -> Ways<V>);

impl<'t, T, V> Each<'t, T, V> {
    pub(crate) fn of(items: Vec<&'t T>, mut place: impl FnMut(&'t T) -> Placed<V>) -> Self {
        let mut each = Self {
            groups: Vec::new(),
            items: Vec::with_capacity(items.len()),
            ways: None,
        };
        let (mut groups, mut places) = (HashMap::new(), HashMap::new());
        for item in items {
            let (function, key, ways) = place(item);
            each.ways = Some(ways);
            let group = *groups.entry(Arc::as_ptr(&function)).or_insert_with(|| {
                each.groups.push((function, Vec::new()));
                each.groups.len() - 1
            });
            match places.entry((group, key.clone())) {
                Place::Occupied(place) => {
                    let place: usize = *place.get();
                    each.items[place].0 = item;
                }
                Place::Vacant(place) => {
                    place.insert(each.items.len());
                    let keys = &mut each.groups[group].1;
                    each.items.push((item, group, keys.len()));
                    keys.push(key);
                }
            }
        }
        each
    }
}

/// Entries of one function under `#[update]`.
pub(super) struct Updates {
    function: Arc<Function>,
    keys: Vec<KeyBytes>,
    /// Without one an entry is removed.
    new: Vec<Option<Make>>,
    /// From before the body, where their strategy puts.
    puts: Option<Puts>,
}

impl Updates {
    fn new(function: Arc<Function>, keys: Vec<KeyBytes>, late: Option<Moment>) -> Self {
        let puts = late.filter(|_| wants(&function));
        let puts = puts.map(|moment| Puts::begun(&function, keys.clone(), moment));
        Self {
            new: keys.iter().map(|_| None).collect(),
            function,
            keys,
            puts,
        }
    }

    pub(super) async fn begin(&mut self) {
        if wants(&self.function) && self.puts.is_none() {
            self.puts = Some(Puts::begin(&self.function, self.keys.clone()).await);
        }
    }

    /// Notes the stores that have failed so far.
    pub(super) fn note(&self, failed: &mut Failed) {
        if let Some(puts) = &self.puts {
            puts.note(failed);
        }
    }

    /// Dropped midway, the entries are still to be removed.
    pub(super) async fn end(&mut self, failed: &mut Failed) {
        match self.puts.take() {
            Some(puts) => {
                let new = std::mem::take(&mut self.new);
                puts.end(ends(&self.function, new), failed).await;
            }
            None => self.remove(failed).await,
        }
    }

    pub(super) async fn remove(&self, failed: &mut Failed) {
        super::several(&self.function, &self.keys, failed).await;
    }
}

/// Updates of a writer, with the type of their items and values.
pub struct UpdatedEach<'t, T, V> {
    each: Each<'t, T, V>,
    /// Where its groups begin among the targets.
    first: usize,
}

impl Writer {
    /// The entry that `entry` says for each item, to be given values later on; without one it is removed.
    pub fn update_each<'t, T, E: WrittenAtOnce>(
        &mut self,
        items: Vec<&'t T>,
        entry: impl FnMut(&'t T) -> E,
    ) -> UpdatedEach<'t, T, E::Value> {
        self.add_each(placed(items, entry), None)
    }

    /// The same of entries that are known only now that the body has run.
    pub fn update_each_late<'t, T, E: WrittenAtOnce>(
        &mut self,
        items: Vec<&'t T>,
        entry: impl FnMut(&'t T) -> E,
    ) -> UpdatedEach<'t, T, E::Value> {
        let made = self.made;
        self.add_each(placed(items, entry), Some(made))
    }

    pub(crate) fn add_each<'t, T, V>(
        &mut self,
        mut each: Each<'t, T, V>,
        late: Option<Moment>,
    ) -> UpdatedEach<'t, T, V> {
        let first = self.add_groups(std::mem::take(&mut each.groups), late);
        UpdatedEach { each, first }
    }

    /// Where they begin among the targets.
    pub(crate) fn add_groups(
        &mut self,
        groups: Vec<(Arc<Function>, Vec<KeyBytes>)>,
        late: Option<Moment>,
    ) -> usize {
        let first = self.count();
        for (function, keys) in groups {
            self.add_updates(Updates::new(function, keys, late));
        }
        first
    }

    /// Their new values, made where the strategy has a use for them.
    pub fn set_each<'t, T, V: CacheValue>(
        &mut self,
        updated: UpdatedEach<'t, T, V>,
        mut value: impl FnMut(&'t T) -> V,
    ) {
        let UpdatedEach { each, first } = updated;
        let Some(ways) = each.ways else { return };
        for (item, group, place) in each.items {
            let updates = self.updates(first + group);
            if updates.is_some_and(|updates| wants(&updates.function)) {
                self.set_placed(first + group, place, value(item), ways);
            }
        }
    }

    /// The new value of one of them.
    pub(crate) fn set_placed<V: CacheValue>(
        &mut self,
        target: usize,
        place: usize,
        value: V,
        ways: fn() -> Ways<V>,
    ) {
        let new = self
            .updates(target)
            .and_then(|updates| updates.new.get_mut(place));
        if let Some(new) = new {
            *new = Some(maker(value, ways));
        }
    }
}

fn placed<'t, T, E: WrittenAtOnce>(
    items: Vec<&'t T>,
    mut entry: impl FnMut(&'t T) -> E,
) -> Each<'t, T, E::Value> {
    Each::of(items, |item| place(entry(item).entry()))
}

/// Where an entry is.
pub(crate) fn place<V>(entry: &Entry<V>) -> Placed<V> {
    let (function, key) = entry.parts();
    (Arc::clone(function), KeyBytes::from(key.as_bytes()), entry.ways())
}

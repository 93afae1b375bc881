//! The entries of a shard: where each is, and in which ring.
//!
//! Knows neither locks nor other shards. What a hit reads of an entry is in half a cache line, its [`Slot`], and in another
//! half, its [`Name`], where the key is not one number; what only fills and evictions need is in its [`Node`]. The three are at
//! the same place of three vectors.

mod evict;
mod slot;

use self::slot::{Name, Slot};
use super::ghosts::Ghosts;
use super::index::Index;
use super::ring::{Free, Links, Ring};
use crate::clock::{SAMPLE, Tick};
use crate::entry::{Content, Held, Rest, Seen, Wants};
use crate::key::{KeyBytes, Mark, same};
use crate::tier::memory::{Glance, Probe, Sought};

/// Bytes of a cache line.
const LINE: usize = 64;
/// Places to begin with.
const FIRST: usize = 8;

/// What only fills, evictions and reads that are more than a hit ask for.
pub(super) struct Node {
    pub(super) links: Links,
    pub(super) rest: Rest,
    ring: Of,
}

impl Node {
    fn vacant() -> Self {
        Self {
            links: Links::NONE,
            rest: Rest {
                began: 0,
                weight: 0,
                aging: None,
            },
            ring: Of::Neither,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Cold,
    Hot,
    /// Free to be used for another entry.
    Neither,
}

/// What a hit writes comes first, to be in one cache line with the lock, beside what only fills ask for; what it only reads has
/// the next line to itself, for a core that waits for the lock's line from another can go on with what it has. In one line they
/// cost a fifth of a hit where two threads read.
#[repr(C)]
pub(super) struct Entries {
    pub(super) hits: u64,
    pub(super) evictions: u64,
    cold: Ring,
    hot: Ring,
    most: u64,
    places: Index,
    slots: Box<[Slot]>,
    names: Box<[Name]>,
    most_hot: u64,
    nodes: Box<[Node]>,
    free: Free,
    ghosts: Ghosts,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    // Where a lock of one byte comes before, aligned as this is.
    assert!(align_of::<Entries>() + std::mem::offset_of!(Entries, places) == LINE);
    assert!(align_of::<Entries>() + std::mem::offset_of!(Entries, nodes) == 2 * LINE);
};

/// How much there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// What all entries may weigh together: a 64th of all numbers at most, so that sums of it do not overflow.
    pub(super) most: u64,
    /// How many evicted keys are remembered.
    pub(super) ghosts: usize,
}

/// Contents that have gone, to be dropped where no lock is held: their destructors are the user's code.
#[derive(Default)]
pub(super) struct Gone {
    first: Option<Content>,
    others: Vec<Content>,
}

impl Gone {
    fn add(&mut self, content: Content) {
        match &self.first {
            None => self.first = Some(content),
            Some(_) => self.others.push(content),
        }
    }
}

impl Entries {
    pub(super) fn new(Room { most, ghosts }: Room) -> Self {
        Self {
            hits: 0,
            evictions: 0,
            cold: Ring::new(),
            hot: Ring::new(),
            most,
            places: Index::new(),
            slots: Box::default(),
            names: Box::default(),
            most_hot: evict::hot_part(most),
            nodes: Box::default(),
            free: Free::new(),
            ghosts: Ghosts::new(ghosts),
        }
    }

    /// The same, whose hits are counted from `hits` on.
    pub(super) fn counting_from(hits: u64, room: Room) -> Self {
        Self {
            hits,
            ..Self::new(room)
        }
    }

    pub(super) fn len(&self) -> u64 {
        u64::from(self.places.len())
    }

    /// What `take` takes of what is kept for a key, unless that asks for more: it is due at `now`, or the hit is one that the
    /// clock is told of. An entry that is read earns credit.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(super) fn glance<R>(
        &mut self,
        sought: impl Sought,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Glance<R> {
        let Some(place) = self.places.glance(sought.hash()) else {
            return Glance::Miss;
        };
        let is = self.is_at(place, sought, sought.mark());
        let hits = self.hits + 1;
        let Some(slot) = self.slots.get_mut(place as usize) else {
            return Glance::Unsure;
        };
        if !is || slot.is_due(now) || hits.is_multiple_of(SAMPLE) {
            return Glance::Unsure;
        }
        let taken = take(&slot.content);
        slot.earn();
        self.hits = hits;
        Glance::Hit(taken)
    }

    /// The same whatever it asks for, and what that is.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(super) fn read<R>(
        &mut self,
        sought: impl Sought,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Option<(R, Wants)> {
        let mut place = self.places.glance(sought.hash())?;
        if !self.is_at(place, sought, sought.mark()) {
            place = self.find(sought)?;
        }
        let place = place as usize;
        let slot = self.slots.get_mut(place)?;
        let mut wants = Wants::NOTHING;
        if slot.is_due(now) {
            wants = seen(slot, self.nodes.get(place)?).late(now)?;
        }
        slot.earn();
        self.hits += 1;
        wants = wants.and_if(self.hits.is_multiple_of(SAMPLE), Wants::SAMPLE);
        Some((take(&slot.content), wants))
    }

    /// An entry that is only looked at.
    pub(super) fn peek(&self, probe: &Probe<'_>) -> Option<Seen<'_>> {
        let place = self.find(*probe)? as usize;
        Some(seen(self.slots.get(place)?, self.nodes.get(place)?))
    }

    #[inline(never)]
    fn find(&self, sought: impl Sought) -> Option<u32> {
        let mark = sought.mark();
        self.places
            .find(sought.hash(), |place| self.is_at(place, sought, mark))
    }

    /// Whether the entry at a place is that of a key.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    fn is_at(&self, place: u32, sought: impl Sought, mark: Mark) -> bool {
        let slot = self.slots.get(place as usize);
        let name = || self.names.get(place as usize)?.key.as_ref();
        let is = |key: &KeyBytes| sought.probed(|probe| same(probe.bytes, key));
        slot.is_some_and(|slot| slot.is_of(mark)) && (mark.number || name().is_some_and(is))
    }

    /// Puts an entry in the place of the one that its key has, or makes room for it. One that would not fit is not kept, and
    /// neither is what it was to replace.
    ///
    /// Nothing happens unless `admit` allows it in view of when the load of what is there now began.
    pub(super) fn insert(
        &mut self,
        probe: &Probe<'_>,
        held: Held,
        admit: impl FnOnce(Option<u64>) -> bool,
        gone: &mut Gone,
    ) -> bool {
        let present = self.find(*probe);
        if !admit(present.map(|place| self.nodes[place as usize].rest.began)) {
            gone.add(held.content);
            return false;
        }
        if held.rest.weight > self.most_hot {
            if let Some(place) = present {
                gone.add(self.take(place));
            }
            gone.add(held.content);
        } else if let Some(place) = present {
            self.replace(place, held, gone);
        } else if self.ghosts.recall(probe.hash) {
            self.add(probe, held, Of::Hot);
            self.make_room(0, gone);
        } else {
            let ring = if self.hot.weight + held.rest.weight <= self.most_hot {
                Of::Hot
            } else {
                Of::Cold
            };
            // Before it is there itself, which gives it a little more time.
            self.make_room(held.rest.weight, gone);
            self.add(probe, held, ring);
        }
        true
    }

    fn replace(&mut self, place: u32, held: Held, gone: &mut Gone) {
        let (slot, node) = (&mut self.slots[place as usize], &mut self.nodes[place as usize]);
        slot.put_off(held.due);
        slot.earn();
        gone.add(std::mem::replace(&mut slot.content, held.content));
        let ring = match node.ring {
            Of::Hot => &mut self.hot,
            _ => &mut self.cold,
        };
        ring.weight = ring.weight - node.rest.weight + held.rest.weight;
        node.rest = held.rest;
        self.make_room(0, gone);
    }

    fn add(&mut self, probe: &Probe<'_>, held: Held, ring: Of) {
        let free = self.free.pop(&self.nodes).or_else(|| {
            self.grow();
            self.free.pop(&self.nodes)
        });
        // None only beyond four thousand million entries in one shard.
        let Some(place) = free else { return };
        self.slots[place as usize] = Slot::new(probe.mark(), held.content, held.due);
        self.names[place as usize] = Name {
            hash: probe.hash,
            key: Some(KeyBytes::from(probe.bytes)),
        };
        self.nodes[place as usize].rest = held.rest;
        self.places.insert(probe.hash, place);
        self.join(place, ring);
    }

    /// Half as many places more, but for no more entries than there can be: one that comes back is there before another
    /// goes for it.
    fn grow(&mut self) {
        let old = self.slots.len();
        let needed = usize::try_from(self.most).unwrap_or(usize::MAX).saturating_add(1);
        let new = (old + old / 2).max(FIRST).min(needed).min(u32::MAX as usize);
        lengthen(&mut self.slots, new, Slot::vacant);
        lengthen(&mut self.names, new, Name::vacant);
        lengthen(&mut self.nodes, new, Node::vacant);
        let names = &self.names;
        self.places.make_room(new, |place| names[place as usize].hash);
        for place in (old..new).rev().filter_map(|place| u32::try_from(place).ok()) {
            self.free.push(&mut self.nodes, place);
        }
    }

    fn join(&mut self, place: u32, ring: Of) {
        self.nodes[place as usize].ring = ring;
        match ring {
            Of::Cold => self.cold.join(&mut self.nodes, place),
            Of::Hot => self.hot.join(&mut self.nodes, place),
            Of::Neither => {}
        }
    }

    fn leave(&mut self, place: u32) {
        match std::mem::replace(&mut self.nodes[place as usize].ring, Of::Neither) {
            Of::Cold => self.cold.leave(&mut self.nodes, place),
            Of::Hot => self.hot.leave(&mut self.nodes, place),
            Of::Neither => {}
        }
    }

    /// Takes an entry out.
    fn take(&mut self, place: u32) -> Content {
        self.leave(place);
        let slot = std::mem::replace(&mut self.slots[place as usize], Slot::vacant());
        let names = &self.names;
        let hash_of = |place: u32| names[place as usize].hash;
        self.places.remove(hash_of(place), place, hash_of);
        self.names[place as usize] = Name::vacant();
        self.nodes[place as usize].rest.aging = None;
        self.free.push(&mut self.nodes, place);
        slot.content
    }

    /// Removes an entry. That it was evicted is forgotten: it is not filled again for having been wanted.
    pub(super) fn remove(&mut self, probe: &Probe<'_>) -> Option<Content> {
        match self.find(*probe) {
            Some(place) => Some(self.take(place)),
            None => {
                self.ghosts.recall(probe.hash);
                None
            }
        }
    }

    /// Removes those that `doomed` names of some places, from `from` on, and says where to go on. An entry stays at its place
    /// for as long as it is there.
    pub(super) fn remove_some(
        &mut self,
        from: u32,
        places: u32,
        doomed: &mut impl FnMut(&[u8]) -> bool,
    ) -> (Vec<Content>, Option<u32>) {
        let end = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let next = from.saturating_add(places).min(end);
        let mut removed = Vec::new();
        for place in from..next {
            if self.names[place as usize]
                .key
                .as_ref()
                .is_some_and(|key| doomed(key))
            {
                removed.push(self.take(place));
            }
        }
        (removed, (next < end).then_some(next))
    }
}

/// No memory is asked for beyond `len`.
fn lengthen<T>(vector: &mut Box<[T]>, len: usize, vacant: fn() -> T) {
    let mut longer = std::mem::take(vector).into_vec();
    longer.reserve_exact(len - longer.len());
    longer.resize_with(len, vacant);
    *vector = longer.into();
}

fn seen<'a>(slot: &'a Slot, node: &'a Node) -> Seen<'a> {
    Seen {
        content: &slot.content,
        due: slot.due(),
        rest: &node.rest,
    }
}

#[cfg(test)]
mod tests;

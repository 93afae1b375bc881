//! The entries of a shard: where each is, and in which ring.
//!
//! Knows neither locks nor other shards. What a hit reads of an entry is in one cache line, its [`Slot`]; what only fills
//! and evictions need is in the [`Node`] at the same place of another vector.

mod evict;

use hashbrown::HashTable;

use super::ghosts::Ghosts;
use super::ring::{Free, Links, Ring};
use crate::clock::{SAMPLE, Tick};
use crate::entry::{Content, Held, Rest, Seen, Wants};
use crate::key::{KeyBytes, same};
use crate::tier::memory::{Glance, Probe, Sought};

/// Bytes of a cache line.
const LINE: usize = 64;
/// Places to begin with.
const FIRST: usize = 8;
/// How many readings an entry has credit for.
const MOST_CREDIT: u8 = 2;

#[repr(align(64))]
struct Slot {
    hash: u64,
    key: KeyBytes,
    content: Content,
    due: Tick,
    credit: u8,
}

const _: () = assert!(
    size_of::<Slot>() == LINE,
    "a hit reads one cache line of an entry"
);

pub(super) struct Node {
    pub(super) links: Links,
    pub(super) rest: Rest,
    ring: Of,
}

impl Slot {
    fn vacant() -> Self {
        Self {
            hash: 0,
            key: KeyBytes::from(&[][..]),
            content: Content::Absent,
            due: Tick::ALWAYS,
            credit: 0,
        }
    }
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

/// What a hit writes comes first, to be in one cache line with the lock; what it only reads has the next line to itself, for a
/// core that waits for the lock's line from another can go on with what it has. In one line they cost a fifth of a hit where
/// two threads read.
#[repr(C)]
pub(super) struct Entries {
    pub(super) hits: u64,
    apart: [u64; 6],
    places: HashTable<u32>,
    slots: Box<[Slot]>,
    nodes: Box<[Node]>,
    pub(super) evictions: u64,
    free: Free,
    cold: Ring,
    hot: Ring,
    ghosts: Ghosts,
    most: u64,
    most_hot: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    // Where a lock of one byte comes before, aligned as this is.
    assert!(align_of::<Entries>() + std::mem::offset_of!(Entries, places) == LINE);
    assert!(align_of::<Entries>() + std::mem::offset_of!(Entries, evictions) == 2 * LINE);
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
            apart: [0; 6],
            places: HashTable::new(),
            slots: Box::default(),
            nodes: Box::default(),
            evictions: 0,
            free: Free::new(),
            cold: Ring::new(),
            hot: Ring::new(),
            ghosts: Ghosts::new(ghosts),
            most,
            most_hot: evict::hot_part(most),
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
        self.places.len() as u64
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
        let has = |place: &u32| {
            let slot = self.slots.get(*place as usize);
            slot.is_some_and(|slot| sought.may_be(slot.hash, &slot.key))
        };
        let place = self.places.find(sought.hash(), has);
        let Some(slot) = place.and_then(|place| self.slots.get_mut(*place as usize)) else {
            return Glance::Miss;
        };
        let hits = self.hits + 1;
        if !sought.is(&slot.key) || now >= slot.due || hits.is_multiple_of(SAMPLE) {
            return Glance::Unsure;
        }
        let taken = take(&slot.content);
        if slot.credit < MOST_CREDIT {
            slot.credit += 1;
        }
        self.hits = hits;
        Glance::Hit(taken)
    }

    /// The same whatever it asks for, and what that is.
    #[expect(clippy::inline_always, reason = "a hit pays for each call on its way")]
    #[inline(always)]
    pub(super) fn read<R>(
        &mut self,
        probe: &Probe<'_>,
        now: Tick,
        take: impl FnOnce(&Content) -> R,
    ) -> Option<(R, Wants)> {
        let mut place = self.find_hash(probe.hash)? as usize;
        let mut slot = self.slots.get_mut(place)?;
        if !same(probe.bytes, &slot.key) {
            place = self.find_among_twins(probe)? as usize;
            slot = self.slots.get_mut(place)?;
        }
        let mut wants = Wants::NOTHING;
        if now >= slot.due {
            wants = seen(slot, self.nodes.get(place)?).late(now)?;
        }
        if slot.credit < MOST_CREDIT {
            slot.credit += 1;
        }
        self.hits += 1;
        wants = wants.and_if(self.hits.is_multiple_of(SAMPLE), Wants::SAMPLE);
        Some((take(&slot.content), wants))
    }

    /// An entry that is only looked at.
    pub(super) fn peek(&self, probe: &Probe<'_>) -> Option<Seen<'_>> {
        let place = self.find(probe)? as usize;
        Some(seen(self.slots.get(place)?, self.nodes.get(place)?))
    }

    fn find(&self, probe: &Probe<'_>) -> Option<u32> {
        let place = self.find_hash(probe.hash)?;
        if same(probe.bytes, &self.slots.get(place as usize)?.key) {
            return Some(place);
        }
        self.find_among_twins(probe)
    }

    /// Where there is a key of this hash: hardly ever another than the one that is looked for.
    #[inline]
    fn find_hash(&self, hash: u64) -> Option<u32> {
        let has = |place: &u32| {
            let slot = self.slots.get(*place as usize);
            slot.is_some_and(|slot| slot.hash == hash)
        };
        self.places.find(hash, has).copied()
    }

    /// The same where another key has the same hash, all 64 bits of it.
    #[cold]
    #[inline(never)]
    fn find_among_twins(&self, probe: &Probe<'_>) -> Option<u32> {
        let is = |place: &u32| {
            let slot = self.slots.get(*place as usize);
            slot.is_some_and(|slot| slot.hash == probe.hash && same(probe.bytes, &slot.key))
        };
        self.places.find(probe.hash, is).copied()
    }

    /// Puts an entry in the place of the one that its key has, or makes room for it. One that would not fit is not kept, and
    /// neither is what it was to replace.
    pub(super) fn insert(&mut self, probe: &Probe<'_>, held: Held, gone: &mut Gone) {
        let present = self.find(probe);
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
    }

    fn replace(&mut self, place: u32, held: Held, gone: &mut Gone) {
        let (slot, node) = (&mut self.slots[place as usize], &mut self.nodes[place as usize]);
        slot.due = held.due;
        slot.credit = MOST_CREDIT.min(slot.credit + 1);
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
        self.slots[place as usize] = Slot {
            hash: probe.hash,
            key: KeyBytes::from(probe.bytes),
            content: held.content,
            due: held.due,
            credit: 0,
        };
        self.nodes[place as usize].rest = held.rest;
        let slots = &self.slots;
        self.places
            .insert_unique(probe.hash, place, |place| slots[*place as usize].hash);
        self.join(place, ring);
    }

    /// Half as many places more, but for no more entries than there can be: one that comes back is there before another
    /// goes for it.
    fn grow(&mut self) {
        let old = self.slots.len();
        let needed = usize::try_from(self.most).unwrap_or(usize::MAX).saturating_add(1);
        let new = (old + old / 2).max(FIRST).min(needed).min(u32::MAX as usize);
        let mut slots = std::mem::take(&mut self.slots).into_vec();
        let mut nodes = std::mem::take(&mut self.nodes).into_vec();
        slots.reserve_exact(new - old);
        nodes.reserve_exact(new - old);
        slots.resize_with(new, Slot::vacant);
        nodes.resize_with(new, Node::vacant);
        self.slots = slots.into();
        self.nodes = nodes.into();
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
        if let Ok(entry) = self.places.find_entry(slot.hash, |other| *other == place) {
            entry.remove();
        }
        self.nodes[place as usize].rest.aging = None;
        self.free.push(&mut self.nodes, place);
        slot.content
    }

    /// Removes an entry. That it was evicted is forgotten: it is not filled again for having been wanted.
    pub(super) fn remove(&mut self, probe: &Probe<'_>) -> Option<Content> {
        match self.find(probe) {
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
            if self.nodes[place as usize].ring != Of::Neither && doomed(&self.slots[place as usize].key) {
                removed.push(self.take(place));
            }
        }
        (removed, (next < end).then_some(next))
    }
}

fn seen<'a>(slot: &'a Slot, node: &'a Node) -> Seen<'a> {
    Seen {
        content: &slot.content,
        due: slot.due,
        rest: &node.rest,
    }
}

#[cfg(test)]
mod tests;

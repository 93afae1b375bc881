//! Flights: one load for all who ask for a key at the same time.
//!
//! Called by the call path and by invalidations. A flight knows its key and who waits; it does not know what a load
//! does, where values go or what an error is.
//!
//! The leader holds a [`Lead`]. However that goes away (finished, dropped, unwound by a panic), somebody who waits is
//! told, so no waiter is ever forgotten. Who waits holds a [`Wait`]; however *that* goes away, a turn it had been
//! offered passes on. A flight leaves the map when its leader is done with it or nobody is left, and only if it is
//! still the flight that the map holds: an invalidation [detaches](Flights::detach) it, so that whoever comes later
//! begins anew while those who came before still get their answer. So does a waiter that is dropped before there is one
//! from a leader in the background: a caller's leader is dropped with its caller, and that one would be waited for
//! however long it hangs. A leader that is kept and not polled is found out ([`watch`](mod@watch)) and loses its lead to a
//! follower; what it does later is its own.

mod pulse;
mod state;
#[cfg(test)]
mod tests;
mod wait;
mod watch;
mod within;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::KeyBytes;
use crate::tier::memory::Probe;
pub(crate) use pulse::{Beat, Pulse};
pub(crate) use state::{Answer, Maker};
use state::{Flight, State};
pub(crate) use wait::{Lead, Turn, Wait};
use watch::Watch;
use within::{Circle, Waiting};
pub(crate) use within::{Group, Within, is_leading};

const SHARDS: usize = 16;

/// The flights of one function.
pub(crate) struct Flights {
    shards: [Mutex<HashMap<KeyBytes, Arc<Flight>, ByHash>>; SHARDS],
    watch: Watch,
}

/// What joining a flight makes of the caller.
pub(crate) enum Joined {
    Leader(Lead),
    Follower(Wait),
    /// The caller is inside of a load that waits for the one that it would wait for, or is that one.
    Inside,
}

type ByHash = foldhash::fast::FixedState;
type Shard<'a> = MutexGuard<'a, HashMap<KeyBytes, Arc<Flight>, ByHash>>;

/// What there is to join in the place of a key.
fn in_progress<'a>(place: &'a Entry<'_, KeyBytes, Arc<Flight>>) -> Option<&'a Arc<Flight>> {
    match place {
        Entry::Occupied(flight) => Some(flight.get()).filter(|flight| !flight.lock().is_outdated()),
        Entry::Vacant(_) => None,
    }
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(ByHash::default()))),
            watch: Watch::default(),
        }
    }
}

impl Flights {
    fn shard(&self, hash: u64) -> Shard<'_> {
        let index = usize::try_from((hash >> 32) & 0xFFFF).unwrap_or(0) % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the flight in progress for a key, or begins one and leads it.
    pub(crate) fn join(self: &Arc<Self>, probe: Probe<'_>) -> Joined {
        self.join_as(probe, None)
    }

    /// The same for one of the keys of a batch.
    pub(crate) fn join_as(self: &Arc<Self>, probe: Probe<'_>, group: Option<Group>) -> Joined {
        let mut shard = self.shard(probe.hash);
        let place = shard.entry(KeyBytes::from(probe.bytes));
        if let Some(flight) = in_progress(&place) {
            return match Waiting::begin(flight) {
                Err(Circle) => Joined::Inside,
                Ok(waiting) => Joined::Follower(Wait::new(Arc::clone(self), Arc::clone(flight), waiting)),
            };
        }
        let flight = Arc::new(Flight::new(place.key().clone(), probe.hash, false));
        if let Some(group) = group {
            flight.set_group(group.0);
        }
        self.insert(place, &flight);
        Joined::Leader(Lead::first(Arc::clone(self), flight))
    }

    /// Begins a flight for a key, to be led by no caller, unless one is in progress.
    pub(crate) fn begin(self: &Arc<Self>, probe: Probe<'_>) -> Option<Lead> {
        let mut shard = self.shard(probe.hash);
        let place = shard.entry(KeyBytes::from(probe.bytes));
        if in_progress(&place).is_some() {
            return None;
        }
        let flight = Arc::new(Flight::new(place.key().clone(), probe.hash, true));
        self.insert(place, &flight);
        // Who is to poll it may never begin to.
        Some(Lead::first(Arc::clone(self), flight).living())
    }

    fn insert(&self, place: Entry<'_, KeyBytes, Arc<Flight>>, flight: &Arc<Flight>) {
        if let Entry::Occupied(outdated) = &place {
            self.keep_in_sight(outdated.get());
        }
        place.insert_entry(Arc::clone(flight));
    }

    /// Takes the flight of a key out of the map: later callers begin a new one.
    pub(crate) fn detach(&self, probe: Probe<'_>) {
        let mut shard = self.shard(probe.hash);
        let detached = shard.remove(probe.bytes);
        detached.iter().for_each(|flight| self.keep_in_sight(flight));
        drop(shard);
        drop(detached);
    }

    /// The same for every key that `doomed` names.
    pub(crate) fn detach_if(&self, mut doomed: impl FnMut(&[u8]) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let detached: Vec<_> = shard.extract_if(|key, _| doomed(key)).collect();
            detached.iter().for_each(|(_, flight)| self.keep_in_sight(flight));
            drop(shard);
            drop(detached);
        }
    }

    /// Takes `flight` out of the map if it is over, as `gone` sees it, and still the one there. The shard's lock is held
    /// while `gone` looks, so nobody can join in between.
    fn retire(&self, flight: &Arc<Flight>, gone: impl FnOnce(&mut State) -> bool) {
        let mut shard = self.shard(flight.hash);
        let mut state = flight.lock();
        let gone = gone(&mut state);
        let awaited = !state.waiters.is_empty();
        drop(state);
        // As a rule it is the one there.
        if gone && let Some((key, current)) = shard.remove_entry(&*flight.key) {
            if Arc::ptr_eq(&current, flight) {
                if awaited {
                    self.watch.add(flight);
                }
            } else {
                shard.insert(key, current);
            }
        }
    }

    /// A flight leaves the map, under its lock. Those who wait for it may find that they have to lead it.
    fn keep_in_sight(&self, flight: &Arc<Flight>) {
        if !flight.lock().waiters.is_empty() {
            self.watch.add(flight);
        }
    }
}

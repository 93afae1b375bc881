//! What is pending, as data: which key has which writes, and when the next of each may run.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::attempt::Body;
use super::write::Settings;
use crate::caches::function::Plan;
use crate::entry::Content;
use crate::key::KeyBytes;
use crate::tier::stamps::Stamp;

/// How long a write waits for newer ones of its key before it is run.
const LINGER: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct State {
    pub(super) keys: HashMap<KeyBytes, Pending>,
    /// How many writes there are, those that run included.
    pub(super) writes: u64,
    /// What each writing function has left of its queue.
    pub(super) rooms: Vec<(&'static Settings, Arc<Semaphore>)>,
    /// Keys whose next write has not run yet, and from when on it may. A key that runs is in neither list.
    pub(super) fresh: VecDeque<(Instant, KeyBytes)>,
    /// Keys whose next write has failed, by when it is run again; the number only tells them apart.
    pub(super) failed: BTreeMap<(Instant, u64), KeyBytes>,
    pub(super) last: u64,
    /// How many wait for room, or for everything to be done: nothing lingers meanwhile.
    pub(super) hurried: usize,
    pub(super) workers: usize,
    /// How many workers there may be.
    pub(super) most: usize,
    /// Until when one of them waits, for what is due next.
    pub(super) waiting: Option<Instant>,
}

/// One key.
pub(super) struct Pending {
    pub(super) newest: u64,
    pub(super) content: Content,
    /// As it was then; `None` of a value that is not to be kept in tiers.
    pub(super) plan: Option<Plan>,
    pub(super) accepted: Instant,
    /// Without the one that runs.
    pub(super) writes: VecDeque<Write>,
    /// Of the key, from before the one that runs.
    pub(super) running: Option<Stamp>,
}

/// Whose write it is: a newer one of the same replaces it.
#[derive(Clone, Copy)]
pub(super) struct WriterId {
    pub(super) settings: &'static Settings,
    /// Which of those that have these settings.
    pub(super) by: Option<TypeId>,
}

impl PartialEq for WriterId {
    fn eq(&self, other: &Self) -> bool {
        // Statics that each stand for one function: two that say the same are still two.
        ptr::eq(self.settings, other.settings) && self.by == other.by
    }
}

/// One write.
pub(super) struct Write {
    pub(super) writer: WriterId,
    pub(super) body: Body,
    /// So far.
    pub(super) runs: u32,
    /// In its function's queue.
    pub(super) _room: OwnedSemaphorePermit,
}

/// A write that is being accepted.
pub(super) struct Offer {
    pub(super) key: KeyBytes,
    pub(super) content: Content,
    pub(super) plan: Option<Plan>,
    pub(super) writer: WriterId,
    pub(super) body: Body,
}

/// A write to be run now, and what was the newest value of its key then.
pub(super) struct Turn {
    pub(super) key: KeyBytes,
    pub(super) write: Write,
    pub(super) newest: u64,
    pub(super) content: Content,
    pub(super) plan: Option<Plan>,
    pub(super) accepted: Instant,
}

impl State {
    /// Adds a write, or gives it back if there is no room for it.
    pub(super) fn take(
        &mut self,
        offer: Box<Offer>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), (Box<Offer>, Arc<Semaphore>)> {
        let present = self.keys.get(&*offer.key);
        let last = present.and_then(|pending| pending.writes.back());
        let replaces = last.is_some_and(|last| last.writer == offer.writer);
        let is_new = present.is_none();
        let room = if replaces {
            None
        } else {
            let all = self.room_of(offer.writer.settings);
            match room.or_else(|| Arc::clone(&all).try_acquire_owned().ok()) {
                None => return Err((offer, all)),
                room => room,
            }
        };
        let Offer {
            key,
            content,
            plan,
            writer,
            body,
        } = *offer;
        let now = Instant::now();
        self.last += 1;
        if is_new {
            self.fresh.push_back((now + LINGER, key.clone()));
        }
        let pending = self.keys.entry(key).or_insert_with(|| Pending {
            newest: 0,
            content: content.clone(),
            plan,
            accepted: now,
            writes: VecDeque::new(),
            running: None,
        });
        (pending.newest, pending.accepted) = (self.last, now);
        (pending.content, pending.plan) = (content, plan);
        if let Some(room) = room {
            self.writes += 1;
            self.most = self.most.max(writer.settings.concurrency);
            pending.writes.push_back(Write {
                writer,
                body,
                runs: 0,
                _room: room,
            });
        } else if let Some(last) = pending.writes.back_mut() {
            (last.body, last.runs) = (body, 0);
        }
        Ok(())
    }

    pub(super) fn room_of(&mut self, settings: &'static Settings) -> Arc<Semaphore> {
        let known = self.rooms.iter().find(|(known, _)| ptr::eq(*known, settings));
        if let Some((_, room)) = known {
            return Arc::clone(room);
        }
        let room = Arc::new(Semaphore::new(settings.queue.clamp(1, Semaphore::MAX_PERMITS)));
        self.rooms.push((settings, Arc::clone(&room)));
        room
    }

    /// The next write that may run.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Turn> {
        let again = self.failed.first_entry().filter(|first| first.key().0 <= now);
        let key = match again {
            Some(first) => first.remove(),
            None => {
                let hurried = self.hurried > 0;
                self.fresh.front().filter(|(at, _)| hurried || *at <= now)?;
                self.fresh.pop_front()?.1
            }
        };
        let pending = self.keys.get_mut(&*key)?;
        Some(Turn {
            write: pending.writes.pop_front()?,
            newest: pending.newest,
            content: pending.content.clone(),
            plan: pending.plan,
            accepted: pending.accepted,
            key,
        })
    }

    /// When the next one may.
    pub(super) fn earliest(&self) -> Option<Instant> {
        let fresh = self.fresh.front().map(|(at, _)| *at);
        let failed = self.failed.first_key_value().map(|((at, _), _)| *at);
        fresh.into_iter().chain(failed).min()
    }

    /// Ends a run: what comes next of this key may be replaced for a while. Whether nothing does.
    pub(super) fn go_on(&mut self, key: KeyBytes) -> bool {
        match self.keys.get_mut(&*key) {
            Some(pending) if !pending.writes.is_empty() => {
                pending.running = None;
                self.fresh.push_back((Instant::now() + LINGER, key));
                false
            }
            _ => {
                self.keys.remove(&*key);
                true
            }
        }
    }
}

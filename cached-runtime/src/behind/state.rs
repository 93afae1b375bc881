//! What is pending, as data: which key has which writes, and when the next of each may run.
//!
//! A key is in one place at a time: held, among those that linger, in a gathering, among what has failed, or it runs.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::attempt::is_inside;
use super::gather::{Gathering, Job};
use super::write::Settings;
use crate::caches::function::Plan;
use crate::entry::Content;
use crate::key::KeyBytes;

/// How long a write waits for newer ones of its key before it is run.
const LINGER: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct State {
    pub(super) keys: HashMap<KeyBytes, Pending>,
    /// How many writes there are, those that run included.
    pub(super) writes: u64,
    /// What each writing function has left of its queue.
    pub(super) rooms: Vec<(SettingsOf, Arc<Semaphore>)>,
    /// Keys whose next write has not run yet, and from when on it may.
    pub(super) fresh: VecDeque<(Instant, KeyBytes)>,
    /// The same of writes that are run together, of one function each.
    pub(super) gatherings: Vec<Gathering>,
    /// Keys whose next writes have failed in one run, by when they are run again; the number only tells them apart.
    pub(super) failed: BTreeMap<(Instant, u64), Vec<KeyBytes>>,
    /// Keys of items whose values are on their way into the tiers. A run that began meanwhile would meet them there as a
    /// stranger would, and a full gathering is run at once. As long as nobody is in a hurry: the writer may never be polled again.
    held: HashSet<KeyBytes>,
    pub(super) last: u64,
    /// How many wait for room, or for everything to be done: nothing lingers meanwhile.
    pub(super) hurried: usize,
    pub(super) workers: usize,
    /// How many workers there may be.
    pub(super) most: usize,
    /// The one of them that waits for what is due next.
    pub(super) waiting: Option<Waiting>,
    /// The number of the last that did.
    pub(super) last_waiting: u64,
}

/// A worker that waits, or that has just been employed and is to look for the first time.
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) until: Instant,
    /// When it was first told to look again.
    pub(super) told: Option<Instant>,
}

/// Within this a worker looks that is to. One that has not is in a runtime that stands still.
pub(super) const SILENT: Duration = Duration::from_secs(1);

impl Waiting {
    /// From when on it is not counted on.
    pub(super) fn lost_at(&self) -> Instant {
        self.told.map_or(self.until, |told| told.min(self.until)) + SILENT
    }
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
    pub(super) progress: Progress,
    /// The number of the one that runs, or is about to.
    pub(super) taken: Option<u64>,
}

/// How far the write is that was taken last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its run has not begun, or has failed: the source has something older.
    Waits,
    /// It runs, and the source may have it.
    Runs,
    /// The same, and from now on the source is to be asked: the entry has been invalidated since, so that it may have
    /// something newer.
    Overruled,
}

/// What a write is set to: by its function, as a `static` of that, or by the cache whose entry it writes.
#[derive(Clone)]
pub(super) enum SettingsOf {
    Function(&'static Settings),
    Cache(Arc<Settings>),
}

impl Deref for SettingsOf {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        match self {
            Self::Function(settings) => settings,
            Self::Cache(settings) => settings,
        }
    }
}

impl PartialEq for SettingsOf {
    fn eq(&self, other: &Self) -> bool {
        // Each stands for one function or cache: two that say the same are still two.
        match (self, other) {
            (Self::Function(one), Self::Function(other)) => ptr::eq(*one, *other),
            (Self::Cache(one), Self::Cache(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Whose write it is: a newer one of the same replaces it.
#[derive(Clone, PartialEq)]
pub(super) struct WriterId {
    pub(super) settings: SettingsOf,
    /// Which of those that have these settings.
    pub(super) by: Option<TypeId>,
}

/// One write.
pub(super) struct Write {
    pub(super) writer: WriterId,
    pub(super) job: Job,
    /// Later writes have larger ones.
    pub(super) number: u64,
    /// So far.
    pub(super) runs: u32,
    /// In its function's queue; `None` of what a body has written.
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

/// A write that is being accepted.
pub(super) struct Offer {
    pub(super) key: KeyBytes,
    pub(super) content: Content,
    pub(super) plan: Option<Plan>,
    pub(super) writer: WriterId,
    pub(super) job: Job,
}

/// What a newer write has taken the place of, and room that it has no use for.
pub(super) type Displaced = (Content, Option<Job>, Option<OwnedSemaphorePermit>);

pub(super) type Written = (KeyBytes, Content, Option<Plan>);

impl Offer {
    /// What the tiers are to have.
    pub(super) fn written(&self) -> Written {
        (self.key.clone(), self.content.clone(), self.plan)
    }
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

impl Pending {
    pub(super) fn overrule(&mut self) {
        if self.progress == Progress::Runs {
            self.progress = Progress::Overruled;
        }
    }

    /// Whether a write with this number or an earlier one is not done.
    pub(super) fn has_until(&self, number: u64) -> bool {
        let next = self.writes.front().map(|next| next.number);
        self.taken.into_iter().chain(next).any(|first| first <= number)
    }
}

impl State {
    /// Adds a write, or gives it back if there is no room for it. A body that writes needs none: it would wait for room that
    /// others of its kind have, or it itself. What it replaces is to be dropped without the lock.
    pub(super) fn take(
        &mut self,
        offer: Box<Offer>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<Displaced, (Box<Offer>, Arc<Semaphore>)> {
        let present = self.keys.get(&*offer.key);
        let last = present.and_then(|pending| pending.writes.back());
        let replaces = last.is_some_and(|last| last.writer == offer.writer);
        let is_new = present.is_none();
        let (room, unused) = if replaces {
            (None, room)
        } else {
            let all = self.room_of(&offer.writer.settings);
            match room.or_else(|| Arc::clone(&all).try_acquire_owned().ok()) {
                None if !is_inside() => return Err((offer, all)),
                room => (room, None),
            }
        };
        let Offer {
            key,
            content,
            plan,
            writer,
            job,
        } = *offer;
        let now = Instant::now();
        self.last += 1;
        if is_new && self.hurried == 0 && writer.settings.together.is_some() {
            self.held.insert(key.clone());
        } else if is_new {
            self.line_up(now, key.clone(), &writer);
        } else if writer.settings.together.is_none() {
            // Who writes one entry does not wait until a list is in the tiers.
            self.let_go(now, &key);
        }
        let number = self.last;
        let pending = self.keys.entry(key).or_insert_with(|| Pending {
            newest: 0,
            content: content.clone(),
            plan,
            accepted: now,
            writes: VecDeque::new(),
            progress: Progress::Waits,
            taken: None,
        });
        (pending.newest, pending.accepted) = (number, now);
        pending.plan = plan;
        let before = std::mem::replace(&mut pending.content, content);
        if !replaces {
            self.writes += 1;
            self.most = self.most.max(writer.settings.concurrency);
            pending.writes.push_back(Write {
                writer,
                job,
                number,
                runs: 0,
                _room: room,
            });
            return Ok((before, None, None));
        }
        let last = pending.writes.back_mut();
        let job = last.map(|last| {
            (last.number, last.runs) = (number, 0);
            std::mem::replace(&mut last.job, job)
        });
        Ok((before, job, unused))
    }

    /// A worker waits, as the one of the number that this returns.
    pub(super) fn wait(&mut self, until: Instant, told: Option<Instant>) -> u64 {
        self.last_waiting += 1;
        let number = self.last_waiting;
        self.waiting = Some(Waiting { number, until, told });
        number
    }

    /// It does so no longer; `false` if it is not known to.
    pub(super) fn ends_wait(&mut self, number: u64) -> bool {
        let known = self.waiting.take_if(|waiting| waiting.number == number);
        known.is_some()
    }

    pub(super) fn room_of(&mut self, settings: &SettingsOf) -> Arc<Semaphore> {
        let known = self.rooms.iter().find(|(known, _)| known == settings);
        if let Some((_, room)) = known {
            return Arc::clone(room);
        }
        let room = Arc::new(Semaphore::new(settings.queue.clamp(1, Semaphore::MAX_PERMITS)));
        self.rooms.push((settings.clone(), Arc::clone(&room)));
        room
    }

    /// Has a key that was held wait for its write.
    pub(super) fn let_go(&mut self, now: Instant, key: &KeyBytes) {
        if let Some(key) = self.held.take(key) {
            self.line_up_next(now, key);
        }
    }

    /// The same of all.
    pub(super) fn let_all_go(&mut self) {
        for key in std::mem::take(&mut self.held) {
            self.line_up_next(Instant::now(), key);
        }
    }

    fn line_up_next(&mut self, now: Instant, key: KeyBytes) {
        let next = self.keys.get(&*key).and_then(|pending| pending.writes.front());
        if let Some(writer) = next.map(|next| next.writer.clone()) {
            self.line_up(now, key, &writer);
        }
    }

    fn line_up(&mut self, now: Instant, key: KeyBytes, writer: &WriterId) {
        let Some(together) = writer.settings.together else {
            self.fresh.push_back((now + LINGER, key));
            return;
        };
        let known = self.gatherings.iter_mut().find(|known| known.writer == *writer);
        match known {
            Some(known) => known.add(now, key),
            None => {
                let mut gathering = Gathering::new(writer.clone(), together);
                gathering.add(now, key);
                self.gatherings.push(gathering);
            }
        }
    }

    /// Has a key wait no longer for newer writes, or for others to be run with, wherever it does.
    pub(super) fn bring_forward(&mut self, now: Instant, key: &KeyBytes) {
        let lingers = self.fresh.iter().position(|(_, known)| known == key);
        let waits = self.held.remove(key)
            || lingers.is_some_and(|at| self.fresh.remove(at).is_some())
            || self.gatherings.iter_mut().any(|some| some.give_up(key));
        if waits {
            self.fresh.push_front((now, key.clone()));
        }
    }

    /// The next writes that may run: one, or some that are run together.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Vec<Turn>> {
        let again = self.failed.first_entry().filter(|first| first.key().0 <= now);
        let keys = match again {
            Some(first) => first.remove(),
            None => self.due(now)?,
        };
        let turns = keys.into_iter().filter_map(|key| {
            let pending = self.keys.get_mut(&*key)?;
            let write = pending.writes.pop_front()?;
            pending.taken = Some(write.number);
            Some(Turn {
                write,
                newest: pending.newest,
                content: pending.content.clone(),
                plan: pending.plan,
                accepted: pending.accepted,
                key,
            })
        });
        Some(turns.collect())
    }

    /// Keys whose writes have not run yet, and may.
    fn due(&mut self, now: Instant) -> Option<Vec<KeyBytes>> {
        let hurried = self.hurried > 0;
        let fresh = self.fresh.front().map(|(at, _)| *at);
        let gathered = self.gatherings.iter_mut();
        let gathered = gathered.filter_map(|some| Some((some.due()?, some)));
        let first = gathered.min_by_key(|(at, _)| *at);
        match first {
            Some((at, some)) if fresh.is_none_or(|fresh| at < fresh) => {
                (hurried || at <= now).then(|| some.take())
            }
            _ => {
                fresh.filter(|at| hurried || *at <= now)?;
                self.fresh.pop_front().map(|(_, key)| vec![key])
            }
        }
    }

    /// When the next one may.
    pub(super) fn earliest(&self) -> Option<Instant> {
        let fresh = self.fresh.front().map(|(at, _)| *at);
        let gathered = self.gatherings.iter().filter_map(Gathering::due);
        let failed = self.failed.first_key_value().map(|((at, _), _)| *at);
        fresh.into_iter().chain(gathered).chain(failed).min()
    }

    /// Ends a run: what comes next of this key may be replaced for a while. What was there of it if nothing does, to be
    /// dropped without the lock.
    pub(super) fn go_on(&mut self, key: KeyBytes) -> Option<Pending> {
        let pending = self.keys.get_mut(&*key)?;
        (pending.progress, pending.taken) = (Progress::Waits, None);
        if pending.writes.is_empty() {
            return self.keys.remove(&*key);
        }
        self.line_up_next(Instant::now(), key);
        None
    }
}

//! What is pending of one cached function: the newest value of each key, and the writes to be run for it, in order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::attempt::Body;
use super::report::Report;
use super::write::Settings;
use crate::caches::function::Plan;
use crate::entry::Content;
use crate::key::KeyBytes;
use crate::stats::Count;
use crate::tier::stamps::Stamp;

/// How long a write waits for newer ones of its key before it is run.
const LINGER: Duration = Duration::from_millis(100);

pub(crate) struct Behind {
    state: Mutex<State>,
    /// Tells the worker that waits for the next write to be due to look again.
    pub(super) woken: Notify,
    /// Tells those who wait for everything to be done.
    empty: Notify,
    pub(super) report: Option<Report>,
    pub(super) failed: Count,
    pub(super) repeated: Count,
}

#[derive(Default)]
struct State {
    keys: HashMap<KeyBytes, Pending>,
    /// How many writes there are, those that run included.
    writes: u64,
    /// What each writing function has left of its queue.
    rooms: Vec<(&'static Settings, Arc<Semaphore>)>,
    /// Keys whose next write has not run yet, and from when on it may. A key that runs is in neither list.
    fresh: VecDeque<(Instant, KeyBytes)>,
    /// Keys whose next write has failed, by when it is run again; the number only tells them apart.
    failed: BTreeMap<(Instant, u64), KeyBytes>,
    last: u64,
    /// How many wait for room, or for everything to be done: nothing lingers meanwhile.
    hurried: usize,
    workers: usize,
    /// How many workers there may be.
    most: usize,
    /// One of them waits for the next write to be due.
    waiting: bool,
}

/// One key.
struct Pending {
    newest: u64,
    content: Content,
    /// As it was then; `None` of a value that is not to be kept in tiers.
    plan: Option<Plan>,
    accepted: Instant,
    /// Without the one that runs.
    writes: VecDeque<Write>,
    /// Of the key, from before the one that runs.
    running: Option<Stamp>,
}

/// One write of one function.
pub(super) struct Write {
    pub(super) settings: &'static Settings,
    pub(super) body: Body,
    /// So far.
    pub(super) runs: u32,
    /// In its function's queue.
    _room: OwnedSemaphorePermit,
}

/// A write that is being accepted.
pub(super) struct Offer {
    pub(super) key: KeyBytes,
    pub(super) content: Content,
    pub(super) plan: Option<Plan>,
    pub(super) settings: &'static Settings,
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

/// What a worker is to do.
pub(super) enum Next {
    Run(Turn),
    /// Until then, or until it is woken.
    Wait(Instant),
    /// There is nothing to do, or somebody else waits for it.
    End,
}

/// While it lives nothing lingers.
pub(super) struct Hurry<'a>(&'a Behind);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.lock().hurried -= 1;
    }
}

impl Behind {
    pub(crate) fn new(report: Option<Report>) -> Self {
        Self {
            state: Mutex::default(),
            woken: Notify::new(),
            empty: Notify::new(),
            report,
            failed: Count::default(),
            repeated: Count::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest value of a key, if the source is yet to get it, for a look that has taken this stamp.
    ///
    /// While it is on its way into the source it may be there already, and something newer too: once the entry has been
    /// invalidated meanwhile, the source has the last word.
    pub(crate) fn pending(&self, key: &[u8], stamp: Stamp) -> Option<(Content, Option<Plan>)> {
        let state = self.lock();
        let pending = state.keys.get(key)?;
        if pending.writes.is_empty() && pending.running.is_some_and(|running| running != stamp) {
            return None;
        }
        let plan = pending
            .plan
            .and_then(|plan| plan.later(pending.accepted.elapsed()));
        Some((pending.content.clone(), plan))
    }

    /// Whether nothing has been written since this turn was taken.
    pub(super) fn is_newest(&self, turn: &Turn) -> bool {
        let state = self.lock();
        let pending = state.keys.get(&*turn.key);
        pending.is_some_and(|pending| pending.newest == turn.newest)
    }

    /// A write is about to run.
    pub(super) fn runs(&self, key: &[u8], stamp: Stamp) {
        if let Some(pending) = self.lock().keys.get_mut(key) {
            pending.running = Some(stamp);
        }
    }

    /// How many writes are pending.
    pub(crate) fn len(&self) -> u64 {
        self.lock().writes
    }

    /// How many have failed for good.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.get()
    }

    /// How many runs had to be repeated.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.get()
    }

    /// Adds a write, once there is room for it. Dropped before, nothing is added.
    pub(super) async fn accept(&self, mut offer: Offer) {
        let mut room = None;
        loop {
            let full = match self.lock().take(offer, room.take()) {
                Ok(()) => return,
                Err((back, full)) => {
                    offer = back;
                    full
                }
            };
            let _hurry = self.hurry();
            // Nobody closes it.
            room = full.acquire_owned().await.ok();
        }
    }

    /// Whether one more worker is wanted, which is then counted.
    pub(super) fn employ(&self) -> bool {
        let mut state = self.lock();
        let some = !state.fresh.is_empty() || !state.failed.is_empty();
        let wanted = some && !state.waiting && state.workers < state.most;
        state.workers += usize::from(wanted);
        wanted
    }

    /// What a worker that has nothing in hand does next.
    pub(super) fn next(&self) -> Next {
        let mut state = self.lock();
        if let Some(turn) = state.turn(Instant::now()) {
            return Next::Run(turn);
        }
        match state.earliest() {
            Some(at) if !state.waiting => {
                state.waiting = true;
                Next::Wait(at)
            }
            _ => {
                state.workers -= 1;
                Next::End
            }
        }
    }

    /// The worker that waited does so no longer.
    pub(super) fn waited(&self) {
        self.lock().waiting = false;
    }

    /// A worker is gone before its end.
    pub(super) fn lost_worker(&self) {
        self.lock().workers -= 1;
    }

    /// A write is done, well or not. Whether nothing else of its key is pending.
    pub(super) fn done(&self, key: KeyBytes) -> bool {
        let mut state = self.lock();
        state.writes -= 1;
        let was_last = state.go_on(key);
        if state.keys.is_empty() {
            self.empty.notify_waiters();
        }
        was_last
    }

    /// A write has to be run again, unless a newer one of the same function comes next anyway.
    pub(super) fn again(&self, key: KeyBytes, write: Write, at: Instant) {
        let mut state = self.lock();
        let next = state.keys.get(&*key).and_then(|pending| pending.writes.front());
        if next.is_some_and(|next| ptr::eq(next.settings, write.settings)) {
            state.writes -= 1;
            state.go_on(key);
            return;
        }
        state.last += 1;
        let number = state.last;
        if let Some(pending) = state.keys.get_mut(&*key) {
            pending.writes.push_front(write);
            pending.running = None;
            state.failed.insert((at, number), key);
        }
    }

    /// From now on nothing lingers.
    pub(super) fn hurry(&self) -> Hurry<'_> {
        self.lock().hurried += 1;
        self.woken.notify_one();
        Hurry(self)
    }

    /// Returns once nothing is pending.
    pub(super) async fn drained(&self) {
        loop {
            let empty = self.empty.notified();
            tokio::pin!(empty);
            empty.as_mut().enable();
            if self.lock().keys.is_empty() {
                return;
            }
            empty.await;
        }
    }
}

impl State {
    /// Adds a write, or gives it back if there is no room for it.
    fn take(
        &mut self,
        offer: Offer,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), (Offer, Arc<Semaphore>)> {
        let present = self.keys.get(&*offer.key);
        let last = present.and_then(|pending| pending.writes.back());
        let replaces = last.is_some_and(|last| ptr::eq(last.settings, offer.settings));
        let is_new = present.is_none();
        let room = if replaces {
            None
        } else {
            let all = self.room_of(offer.settings);
            match room.or_else(|| Arc::clone(&all).try_acquire_owned().ok()) {
                None => return Err((offer, all)),
                room => room,
            }
        };
        let Offer {
            key,
            content,
            plan,
            settings,
            body,
        } = offer;
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
            self.most = self.most.max(settings.concurrency);
            pending.writes.push_back(Write {
                settings,
                body,
                runs: 0,
                _room: room,
            });
        } else if let Some(last) = pending.writes.back_mut() {
            (last.body, last.runs) = (body, 0);
        }
        Ok(())
    }

    fn room_of(&mut self, settings: &'static Settings) -> Arc<Semaphore> {
        let known = self.rooms.iter().find(|(known, _)| ptr::eq(*known, settings));
        if let Some((_, room)) = known {
            return Arc::clone(room);
        }
        let room = Arc::new(Semaphore::new(settings.queue.clamp(1, Semaphore::MAX_PERMITS)));
        self.rooms.push((settings, Arc::clone(&room)));
        room
    }

    /// The next write that may run.
    fn turn(&mut self, now: Instant) -> Option<Turn> {
        let again = self.failed.first_entry().filter(|first| first.key().0 <= now);
        let key = match again {
            Some(first) => first.remove(),
            None => {
                let hurried = self.hurried > 0;
                let (_, key) = self.fresh.pop_front_if(|(at, _)| hurried || *at <= now)?;
                key
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
    fn earliest(&self) -> Option<Instant> {
        let fresh = self.fresh.front().map(|(at, _)| *at);
        let failed = self.failed.first_key_value().map(|((at, _), _)| *at);
        fresh.into_iter().chain(failed).min()
    }

    /// Ends a run: what comes next of this key may be replaced for a while. Whether nothing does.
    fn go_on(&mut self, key: KeyBytes) -> bool {
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

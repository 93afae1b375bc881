//! What is pending of one cached function: the newest value of each key, and the writes to be run for it, in order.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::report::Report;
use super::state::{Offer, Progress, State, Turn};
use super::write::Settings;
use crate::caches::function::Plan;
use crate::entry::Content;
use crate::key::KeyBytes;
use crate::stats::Count;

/// Whether there ever was a queue: most programs have none, and removals then have nothing to wait for.
static ANY: AtomicBool = AtomicBool::new(false);

pub(crate) fn any() -> bool {
    ANY.load(Relaxed)
}

pub(crate) struct Behind {
    state: Mutex<State>,
    /// Tells the worker that waits for the next write to be due to look again.
    pub(super) woken: Notify,
    /// Tells those who wait for writes to be done that one is, or that somebody must take a lost worker's place.
    changed: Notify,
    /// What the writers of entries are set to that are no functions.
    pub(super) writers: Arc<Settings>,
    pub(super) report: Option<Report>,
    pub(super) failed: Count,
    pub(super) repeated: Count,
}

/// What a worker is to do.
pub(super) enum Next {
    Run(Vec<Turn>),
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
    pub(crate) fn new(writers: Settings, report: Option<Report>) -> Self {
        ANY.store(true, Relaxed);
        Self {
            state: Mutex::default(),
            woken: Notify::new(),
            changed: Notify::new(),
            writers: Arc::new(writers),
            report,
            failed: Count::default(),
            repeated: Count::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest value of a key, if the source is yet to get it, for a look that has taken its stamp.
    pub(crate) fn pending(&self, key: &[u8]) -> Option<(Content, Option<Plan>)> {
        let state = self.lock();
        let pending = state.keys.get(key)?;
        if pending.writes.is_empty() && pending.progress == Progress::Overruled {
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

    /// Somebody invalidates this entry, and is yet to move its stamp on: who looks later must not find what is on its way
    /// into the source, which may be there already, and something newer too.
    pub(crate) fn overrule(&self, key: &[u8]) {
        if let Some(pending) = self.lock().keys.get_mut(key) {
            pending.overrule();
        }
    }

    /// The same of all entries that `meant` names.
    pub(crate) fn overrule_if(&self, meant: impl Fn(&[u8]) -> bool) {
        for (key, pending) in &mut self.lock().keys {
            if pending.progress == Progress::Runs && meant(key) {
                pending.overrule();
            }
        }
    }

    /// Writes are about to run.
    pub(super) fn runs(&self, turns: &mut [Turn]) {
        let mut state = self.lock();
        for turn in turns {
            turn.write.runs += 1;
            if let Some(pending) = state.keys.get_mut(&*turn.key) {
                pending.progress = Progress::Runs;
            }
        }
    }

    /// Whether anything of this key is pending.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.lock().keys.contains_key(key)
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

    /// Adds a write, once there is room for it, for which `work` sees to it that somebody is at work. Dropped before, nothing is
    /// added.
    pub(super) async fn accept(&self, mut offer: Box<Offer>, work: impl Fn()) {
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
            work();
            // Nobody closes it.
            room = full.acquire_owned().await.ok();
        }
    }

    /// Adds a write if there is room for it, or gives it back.
    pub(super) fn try_accept(&self, offer: Box<Offer>) -> Result<(), Box<Offer>> {
        self.lock().take(offer, None).map_err(|(offer, _)| offer)
    }

    /// The values of these are in the tiers, or their writer is gone.
    pub(super) fn let_go(&self, keys: &[KeyBytes]) {
        let mut state = self.lock();
        let now = Instant::now();
        keys.iter().for_each(|key| state.let_go(now, key));
    }

    /// Whether one more worker is wanted, which is then counted.
    pub(super) fn employ(&self) -> bool {
        let mut state = self.lock();
        self.wake(&state);
        let wanted = state.earliest().is_some() && state.waiting.is_none() && state.workers < state.most;
        state.workers += usize::from(wanted);
        wanted
    }

    /// Lets the worker that waits look again, if it waits for too long.
    fn wake(&self, state: &State) {
        let next = state.earliest();
        if state
            .waiting
            .is_some_and(|until| next.is_some_and(|next| next < until))
        {
            self.woken.notify_one();
        }
    }

    /// What a worker that has nothing in hand does next.
    pub(super) fn next(&self) -> Next {
        let mut state = self.lock();
        if let Some(turn) = state.turn(Instant::now()) {
            return Next::Run(turn);
        }
        match state.earliest() {
            Some(at) if state.waiting.is_none() => {
                state.waiting = Some(at);
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
        self.lock().waiting = None;
    }

    /// A worker is gone before its end.
    pub(super) fn lost_worker(&self) {
        self.lock().workers -= 1;
        self.changed.notify_waiters();
    }

    /// A write is done, well or not. Whether nothing else of its key is pending.
    pub(super) fn done(&self, key: KeyBytes) -> bool {
        let mut state = self.lock();
        state.writes -= 1;
        let was_last = state.go_on(key);
        self.changed.notify_waiters();
        was_last
    }

    /// Writes have to be run again, together, apart from those after which a newer one by the same writer comes anyway.
    pub(super) fn again(&self, turns: Vec<Turn>, at: Instant) {
        let mut state = self.lock();
        let mut keys = Vec::with_capacity(turns.len());
        for Turn { key, write, .. } in turns {
            let Some(pending) = state.keys.get_mut(&*key) else {
                continue;
            };
            pending.taken = None;
            let next = pending.writes.front();
            if next.is_some_and(|next| next.writer == write.writer) {
                state.writes -= 1;
                state.go_on(key);
                continue;
            }
            pending.writes.push_front(write);
            pending.progress = Progress::Waits;
            keys.push(key);
        }
        if !keys.is_empty() {
            state.last += 1;
            let number = state.last;
            state.failed.insert((at, number), keys);
        }
        self.wake(&state);
        self.changed.notify_waiters();
    }

    /// From now on nothing lingers.
    pub(super) fn hurry(&self) -> Hurry<'_> {
        let mut state = self.lock();
        state.hurried += 1;
        state.let_all_go();
        drop(state);
        self.woken.notify_one();
        Hurry(self)
    }

    /// The keys of those that are pending, as far as `wanted` says, and the number of the last write there is.
    pub(super) fn now(&self, wanted: impl Fn(&[u8]) -> bool) -> (Vec<KeyBytes>, u64) {
        let state = self.lock();
        let keys = state.keys.keys().filter(|key| wanted(key)).cloned();
        (keys.collect(), state.last)
    }

    /// The same of one key.
    pub(super) fn now_of(&self, key: KeyBytes) -> (Vec<KeyBytes>, u64) {
        let state = self.lock();
        let key = state.keys.contains_key(&*key).then_some(key);
        (key.into_iter().collect(), state.last)
    }

    /// Leaves out the last of these keys as long as their writes up to this number are done. The first that is left is run
    /// as soon as it can be.
    pub(super) fn leave_out_done(&self, keys: &mut Vec<KeyBytes>, number: u64) {
        let mut state = self.lock();
        while let Some(key) = keys.last() {
            let pending = state.keys.get(&**key);
            if pending.is_some_and(|pending| pending.has_until(number)) {
                if state.hurried == 0 {
                    state.bring_forward(Instant::now(), key);
                }
                break;
            }
            keys.pop();
        }
    }

    /// Ready when a write is done, or a worker was lost.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

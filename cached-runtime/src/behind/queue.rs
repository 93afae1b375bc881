//! What is pending of one cached function: the newest value of each key, and the writes to be run for it, in order.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::report::Report;
use super::state::{Offer, Progress, SILENT, State, Turn, Waiting};
use super::write::Settings;
use crate::background::has_timers;
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
    /// Tells those who wait for room the latter.
    lost: Notify,
    /// What the writers of entries are set to that are no functions.
    pub(super) writers: Arc<Settings>,
    pub(super) report: Option<Report>,
    pub(super) failed: Count,
    pub(super) repeated: Count,
}

/// What a worker is to do.
pub(super) enum Next {
    Run(Vec<Turn>),
    /// Until then, or until it is woken; as the one of this number.
    Wait(Instant, u64),
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
            lost: Notify::new(),
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

    /// Somebody invalidates these entries, and is yet to move their stamps on: who looks later must not find what is on its
    /// way into the source, of the writes up to the last of then, which may be there already, and something newer too.
    pub(super) fn overrule(&self, keys: &[KeyBytes], last: u64) {
        if keys.is_empty() {
            return;
        }
        let mut state = self.lock();
        for key in keys {
            if let Some(pending) = state.keys.get_mut(&**key)
                && pending.taken.is_some_and(|taken| taken <= last)
            {
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
    /// added. What `mark` returns was made before anybody else saw it, or added another.
    pub(super) async fn accept<M>(
        &self,
        mut offer: Box<Offer>,
        work: impl Fn(),
        mut mark: impl FnMut() -> M,
    ) -> M {
        let mut room = None;
        loop {
            let full = match self.take(offer, room.take(), &mut mark) {
                Ok(mark) => return mark,
                Err((back, full)) => {
                    offer = back;
                    full
                }
            };
            let _hurry = self.hurry();
            // Whoever has waited for longer has it first, however often he sees to it that somebody is at work.
            let mut room_of_ours = pin!(full.acquire_owned());
            room = loop {
                let mut lost = pin!(self.lost.notified());
                lost.as_mut().enable();
                work();
                let mut lost = pin!(self.wait(lost));
                let got = poll_fn(|context| match room_of_ours.as_mut().poll(context) {
                    Poll::Ready(room) => Poll::Ready(Some(room)),
                    Poll::Pending => lost.as_mut().poll(context).map(|()| None),
                });
                if let Some(room) = got.await {
                    // Nobody closes it.
                    break room.ok();
                }
            };
        }
    }

    /// Adds a write if there is room for it, or gives it back.
    pub(super) fn try_accept<M>(
        &self,
        offer: Box<Offer>,
        mut mark: impl FnMut() -> M,
    ) -> Result<M, Box<Offer>> {
        self.take(offer, None, &mut mark).map_err(|(offer, _)| offer)
    }

    fn take<M>(
        &self,
        offer: Box<Offer>,
        room: Option<OwnedSemaphorePermit>,
        mark: &mut impl FnMut() -> M,
    ) -> Result<M, (Box<Offer>, Arc<Semaphore>)> {
        let mut state = self.lock();
        let gone = state.take(offer, room)?;
        let mark = mark();
        drop(state);
        // The user's.
        drop(gone);
        Ok(mark)
    }

    /// The values of these are in the tiers, or their writer is gone.
    pub(super) fn let_go(&self, keys: &[KeyBytes]) {
        let mut state = self.lock();
        let now = Instant::now();
        keys.iter().for_each(|key| state.let_go(now, key));
    }

    /// One more worker, if one is wanted: by its number, as one that is to look at once. It is counted.
    pub(super) fn employ(&self) -> Option<u64> {
        let mut state = self.lock();
        self.wake(&mut state);
        let now = Instant::now();
        let lost = state.waiting.take_if(|waiting| waiting.lost_at() <= now);
        if lost.is_some() {
            state.workers -= 1;
            // In its place, or the next call would be for it.
            self.woken.notify_one();
        }
        let is_free = state.waiting.is_none() && state.workers < state.most;
        if !is_free || state.earliest().is_none() {
            return None;
        }
        state.workers += 1;
        Some(state.wait(now, Some(now)))
    }

    /// For who can employ nobody: lets the worker that waits look again, if it waits for too long.
    pub(super) fn hasten(&self) {
        self.wake(&mut self.lock());
    }

    /// Lets the worker that waits look again, if it waits for too long.
    fn wake(&self, state: &mut State) {
        let next = state.earliest();
        if let Some(waiting) = &mut state.waiting
            && next.is_some_and(|next| next < waiting.until)
        {
            self.tell(waiting);
        }
    }

    fn tell(&self, waiting: &mut Waiting) {
        waiting.told.get_or_insert_with(Instant::now);
        self.woken.notify_one();
    }

    /// Until when the worker that waits has to have looked, if it has to.
    fn lost_at(&self) -> Option<Instant> {
        let state = self.lock();
        state.waiting.as_ref().map(Waiting::lost_at)
    }

    /// What a worker that has nothing in hand does next.
    pub(super) fn next(&self) -> Next {
        let mut state = self.lock();
        if let Some(turn) = state.turn(Instant::now()) {
            return Next::Run(turn);
        }
        match state.earliest() {
            Some(at) if state.waiting.is_none() => Next::Wait(at, state.wait(at, None)),
            _ => {
                // What came while this one was at work may be due before the one who waits looks again.
                self.wake(&mut state);
                state.workers -= 1;
                Next::End
            }
        }
    }

    /// The worker that waited as this one does so no longer. Whether it goes on: it may have been taken for lost, and another be
    /// in its place.
    pub(super) fn waited(&self, number: u64) -> bool {
        let mut state = self.lock();
        if state.ends_wait(number) {
            return true;
        }
        let is_free = state.workers < state.most;
        state.workers += usize::from(is_free);
        is_free
    }

    /// A worker is gone before its end, the one that waited as this one if it did.
    pub(super) fn lost_worker(&self, waiting: Option<u64>) {
        let mut state = self.lock();
        if waiting.is_none_or(|number| state.ends_wait(number)) {
            state.workers -= 1;
        }
        // What it has left may be due before the one who waits looks again.
        self.wake(&mut state);
    }

    /// Those who wait are to see to it that somebody else is at work.
    pub(super) fn tell_lost(&self) {
        self.changed.notify_waiters();
        self.lost.notify_waiters();
    }

    /// A write is done, well or not. Whether nothing else of its key is pending.
    pub(super) fn done(&self, key: KeyBytes) -> bool {
        let mut state = self.lock();
        state.writes -= 1;
        let gone = state.go_on(key);
        drop(state);
        // A waker may hold a task, and this somebody who waits for the same.
        self.changed.notify_waiters();
        gone.is_some()
    }

    /// Writes have to be run again, together, apart from those after which a newer one by the same writer comes anyway.
    pub(super) fn again(&self, turns: Vec<Turn>, at: Instant) {
        // The user's, and so not dropped under the lock.
        let (mut replaced, mut gone) = (Vec::new(), Vec::new());
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
                gone.extend(state.go_on(key));
                replaced.push(write);
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
        self.wake(&mut state);
        drop(state);
        self.changed.notify_waiters();
        drop((replaced, gone));
    }

    /// From now on nothing lingers.
    pub(super) fn hurry(&self) -> Hurry<'_> {
        let mut state = self.lock();
        state.hurried += 1;
        state.let_all_go();
        if let Some(waiting) = &mut state.waiting {
            self.tell(waiting);
        }
        drop(state);
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

    /// Waits for `changed`, and no longer than the worker that is to look takes for that, where there are timers.
    pub(super) async fn wait(&self, changed: Pin<&mut Notified<'_>>) {
        if !has_timers() {
            return changed.await;
        }
        // Nor forever where none waits: the one that runs now may be the next to be lost. Who waits here sees to it each time
        // that somebody is at work.
        let at = self.lost_at().unwrap_or_else(|| Instant::now() + SILENT);
        let _ = timeout_at(at, changed).await;
    }
}

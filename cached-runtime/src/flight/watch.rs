//! Sees to it that nobody waits for one who leads and is not polled any more.
//!
//! A thread looks every half a second at the flights that somebody waits for. One who leads and has not been polled since the
//! last look is woken. If he has not been polled by the next one either, those who wait are woken, and the first of them who is
//! polled while he still has not takes the lead, as if he had been dropped. So that takes between one second and one and a
//! half, a load that is slow costs a poll a second, and where a runtime is late for all of its tasks it is late for those
//! who would take the lead too.
//!
//! A thread, and not a task: a task stands still with its runtime, and where a runtime has no timers, or a clock that is
//! paused, it would know nothing of the time. It ends when nobody has waited for a while. Those who run for themselves are
//! not looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::Flights;
use super::state::{Flight, Health};
use super::wait::wake;

const EVERY: Duration = Duration::from_millis(500);
/// So many looks at nothing, ten seconds, and the thread ends.
const IDLE: u32 = 20;
/// For so long nothing is told of a function of which it has been told.
const PAUSE: Duration = Duration::from_secs(60);

static WATCHED: Mutex<Watched> = Mutex::new(Watched {
    all: Vec::new(),
    there: false,
});

/// The flights of the functions that somebody waits for.
struct Watched {
    all: Vec<Weak<Flights>>,
    /// There is a thread.
    there: bool,
}

fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of one function.
#[derive(Default)]
pub(super) struct Watch {
    /// It is among those that are looked at.
    pub(super) on: AtomicBool,
    /// How many looks there have been.
    looks: AtomicU64,
    /// Flights that are in the map no more, and were waited for.
    detached: Mutex<Vec<Weak<Flight>>>,
    /// When it was told last that a lead was taken.
    told: Mutex<Option<Instant>>,
}

impl Watch {
    pub(super) fn detached(&self) -> MutexGuard<'_, Vec<Weak<Flight>>> {
        self.detached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is to be told that a lead was taken.
    pub(super) fn tells(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let tells = told.is_none_or(|at| at.elapsed() > PAUSE);
        if tells {
            *told = Some(Instant::now());
        }
        tells
    }

    /// A flight that is waited for is taken out of the map, whose lock is held until this is done: it is always in one of
    /// the two.
    pub(super) fn add(&self, flight: &Arc<Flight>) {
        let mut detached = self.detached();
        // Those that are over make room, where nobody looks too.
        if detached.len() == detached.capacity() {
            detached.retain(|flight| flight.strong_count() > 0);
        }
        detached.push(Arc::downgrade(flight));
    }
}

impl Flights {
    /// Somebody waits.
    pub(super) fn watch(self: &Arc<Self>) {
        if self.watch.on.load(SeqCst) || self.watch.on.swap(true, SeqCst) {
            return;
        }
        let mut watched = watched();
        watched.all.push(Arc::downgrade(self));
        watched.there = watched.there
            || thread::Builder::new()
                .name("cached-watch".into())
                .spawn(look_at_all)
                .is_ok();
        if !watched.there {
            // No thread to be had: the next one who waits tries again.
            watched.all.clear();
            self.watch.on.store(false, SeqCst);
        }
    }

    /// Looks at each flight once. Whether any of them is waited for.
    pub(super) fn look(&self) -> bool {
        let look = self.watch.looks.fetch_add(1, Relaxed) + 1;
        let (mut any, mut woken) = (false, Vec::new());
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for flight in shard.values() {
                any |= look_at(flight, look, &mut woken);
            }
        }
        let detached = std::mem::take(&mut *self.watch.detached());
        let detached: Vec<_> = detached.iter().filter_map(Weak::upgrade).collect();
        let waited_for = detached.iter().filter(|flight| look_at(flight, look, &mut woken));
        let mut waited_for: Vec<_> = waited_for.map(Arc::downgrade).collect();
        any |= !waited_for.is_empty();
        self.watch.detached().append(&mut waited_for);
        wake(woken);
        // Of some of them these may be the last, and what is dropped with them is the user's, which may panic.
        drop(detached);
        any
    }

    /// The same, and it is looked at no more where nobody waits.
    pub(super) fn look_or_end(&self) -> bool {
        if self.look() {
            return true;
        }
        self.watch.on.store(false, SeqCst);
        // Who began to wait since that look may have seen that it is looked at; who did after that has added it again.
        self.look() && !self.watch.on.swap(true, SeqCst)
    }
}

/// Whether it is waited for. Whoever is to be woken is added to `woken`.
fn look_at(flight: &Flight, look: u64, woken: &mut Vec<Waker>) -> bool {
    let mut state = flight.lock();
    match state.look(look, &flight.pulse) {
        Health::Over => return false,
        Health::Well => {}
        Health::Doubtful(waker) => woken.extend(waker),
        Health::Lost | Health::Unled => woken.extend(state.waiters.take_all()),
    }
    true
}

/// What the thread does.
fn look_at_all() {
    let mut idle = 0;
    while idle < IDLE {
        thread::sleep(EVERY);
        let mut all = std::mem::take(&mut watched().all);
        all.retain(|flights| {
            // A value that panics as it is dropped is somebody's; the others are looked at.
            let look = || flights.upgrade().is_some_and(|flights| flights.look_or_end());
            catch_unwind(AssertUnwindSafe(look)).unwrap_or(true)
        });
        let mut watched = watched();
        watched.all.append(&mut all);
        idle = if watched.all.is_empty() { idle + 1 } else { 0 };
        watched.there = idle < IDLE;
    }
}

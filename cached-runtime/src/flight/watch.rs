//! Sees to it that nobody waits for one who leads and is not polled any more.
//!
//! One task for the flights of a function, which ends where nobody waits. It looks every half a second: one who leads and
//! has not been polled since the last look is woken, and one who has not been polled since then either has lost his lead to
//! whoever waits, as if he had been dropped. So that takes between one second and one and a half, and a load that is slow
//! costs a poll a second.
//!
//! It runs on the runtime of one of those who wait, which where all threads are busy is as late as those that it watches.
//! Without a runtime, or without timers in it, nobody is watched; nor are those who run for themselves.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::time::sleep;

use super::Flights;
use super::state::{Flight, Health};
use crate::background::{has_timers, spawn_aside};

const EVERY: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Watch {
    /// Somebody looks.
    there: AtomicBool,
    /// Flights that are in the map no more, and may be waited for.
    detached: Mutex<Vec<Weak<Flight>>>,
}

/// Who looks. His runtime may end before the flights do, and with it this.
struct Watcher(Weak<Flights>);

impl Watcher {
    async fn run(mut self) {
        loop {
            sleep(EVERY).await;
            let Some(flights) = self.0.upgrade() else { return };
            if flights.look() {
                continue;
            }
            flights.watch.there.store(false, SeqCst);
            // Who began to wait since that look may have seen this one here.
            if !flights.look() || flights.watch.there.swap(true, SeqCst) {
                self.0 = Weak::new();
                return;
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(flights) = self.0.upgrade() {
            flights.watch.there.store(false, SeqCst);
        }
    }
}

impl Watch {
    pub(super) fn detached(&self) -> MutexGuard<'_, Vec<Weak<Flight>>> {
        self.detached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A flight is taken out of the map, whose lock is held until this is done: it is always in one of the two.
    pub(super) fn add(&self, flight: &Arc<Flight>) {
        if flight.lock().waiters.is_empty() {
            return;
        }
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
        if !self.watch.there.load(SeqCst) && has_timers() && !self.watch.there.swap(true, SeqCst) {
            spawn_aside(Watcher(Arc::downgrade(self)).run());
        }
    }

    /// Looks at each flight once. Whether any of them is waited for.
    pub(super) fn look(&self) -> bool {
        let (mut any, mut woken) = (false, Vec::new());
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for flight in shard.values() {
                any |= look_at(flight, &mut woken);
            }
        }
        // Without the lock: this may be the last of a flight, and what is dropped with it is the user's.
        let mut detached = std::mem::take(&mut *self.watch.detached());
        detached.retain(|flight| {
            flight
                .upgrade()
                .is_some_and(|flight| look_at(&flight, &mut woken))
        });
        any |= !detached.is_empty();
        self.watch.detached().append(&mut detached);
        // Outside the locks: waking may run code of the executor.
        woken.into_iter().for_each(Waker::wake);
        any
    }
}

/// Whether it is waited for. Whoever is to be woken is added to `woken`.
fn look_at(flight: &Flight, woken: &mut Vec<Waker>) -> bool {
    let mut state = flight.lock();
    match state.health() {
        Health::Over => return false,
        Health::Well => {}
        Health::Doubtful(waker) => woken.extend(waker),
        Health::Lost => {
            flight.set_group(0);
            woken.extend(state.take_lead());
        }
        Health::Unled => woken.extend(state.offer()),
    }
    true
}

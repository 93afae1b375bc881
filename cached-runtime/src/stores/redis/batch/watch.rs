//! Time for those who look up together.
//!
//! Called by `batch`. As a rule an answer comes within a fraction of a millisecond, and a timer of each caller's own would be
//! armed and taken back for nothing, under a lock that all threads share. So while there are batches one task goes
//! round, once in a [`MOMENT`], and wakes whoever has been waiting since before its last round. They arm timers then, so
//! that nobody's budget is measured by this task.
//!
//! It is relied on by callers in its own runtime alone: where that stands still, so do they. Where it ends early, with its
//! runtime, it wakes them all.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time::sleep;

use super::super::Inner;

/// Long beside a journey, and short beside what somebody is ready to wait.
pub(super) const MOMENT: Duration = Duration::from_millis(10);

/// A task that watches over the batches of a store, as long as there are any.
struct Watch {
    store: Weak<Inner>,
    at: At,
}

enum At {
    Begin,
    Going,
    Done,
}

pub(super) fn begin(store: &Arc<Inner>, runtime: &Handle) {
    let watch = Watch {
        store: Arc::downgrade(store),
        at: At::Begin,
    };
    runtime.spawn(watch.go_round(runtime.id()));
}

impl Watch {
    async fn go_round(mut self, here: Id) {
        if let Some(store) = self.store.upgrade() {
            store.queue.watch_begins(here);
            self.at = At::Going;
        }
        loop {
            sleep(MOMENT).await;
            if !self.goes_on() {
                self.end();
                return;
            }
        }
    }

    /// `false` once there is nobody to watch over.
    fn goes_on(&self) -> bool {
        self.store.upgrade().is_some_and(|store| store.queue.moment())
    }

    /// What a successor watches over is no more this one's to wake.
    fn end(&mut self) {
        self.at = At::Done;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        match (&self.at, self.store.upgrade()) {
            (At::Begin, Some(store)) => store.queue.watch_is_off(),
            (At::Going, Some(_)) => while self.goes_on() {},
            (At::Done, _) | (_, None) => {}
        }
    }
}

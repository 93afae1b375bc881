//! How a store that was lost is found again: a task that probes it, and removes what could not be removed meanwhile.
//!
//! Started by whoever sees that the store has failed or that something is pending; one at a time for each store.

use std::slice;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::guarded::Guarded;
use super::pending::What;
use crate::Error;
use crate::background::spawn_aside;

/// Between two probes of a store that is down, growing from the one to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// Keys in one removal of a replay.
const REPLAY_BATCH: usize = 512;

impl Guarded {
    /// Starts the task that reaches for the store until it answers and has removed what is pending.
    pub(crate) fn heal(self: &Arc<Self>) {
        if self.closed.load(SeqCst) {
            return;
        }
        let is_at_work = self.healing.swap(true, SeqCst);
        self.owe();
        if is_at_work {
            return;
        }
        let healing = Healing {
            guarded: Arc::clone(self),
            over: AtomicBool::new(false),
        };
        // A store that is down and is owed nothing is probed for those who call, of whom there may be no more.
        spawn_aside(async move {
            let guarded = &healing.guarded;
            let mut pause = FIRST_PAUSE;
            while !guarded.closed.load(SeqCst) && !guarded.is_forsaken() {
                let healed = guarded.try_heal().await;
                guarded.owe();
                if !healed {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
                // What was queued between the last look and this moment found a healer at work and relied on it.
                healing.over.store(true, SeqCst);
                guarded.healing.store(false, SeqCst);
                if !guarded.has_pending() || guarded.healing.swap(true, SeqCst) {
                    break;
                }
                healing.over.store(false, SeqCst);
            }
        });
    }

    /// Has `settle` wait for what is pending, as long as somebody is at it. Called whenever either may have changed.
    fn owe(&self) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.has_pending() || !self.healing.load(SeqCst) {
            *owed = None;
        } else if owed.is_none() {
            *owed = Some(self.background.count());
        }
    }

    /// Nobody but the one who heals has this any more, and nothing is owed.
    fn is_forsaken(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && !self.has_pending()
    }

    async fn try_heal(&self) -> bool {
        let ping = async { self.store.ping().await };
        let answered = match self.answer(self.budget, ping).await {
            Ok(()) => self.replay().await,
            Err(error) => Err(error),
        };
        if let Err(error) = answered {
            // It may be back, and not as it was.
            self.tell(&error);
            return false;
        }
        if !self.breaker.is_closed() {
            if self.refusing.load(SeqCst) {
                self.breaker.try_again();
            } else {
                tracing::info!(store = %self.name, "a store answers again");
                self.breaker.succeeded();
            }
        }
        self.pending.is_empty()
    }

    /// Removes what is pending. What the store refuses stays so, and holds up nothing else; an error says that the store
    /// cannot be reached.
    async fn replay(&self) -> Result<(), Error> {
        let removals = self.pending.snapshot();
        let seen = removals.seen();
        if removals.everything() {
            self.deliver(What::Everything, seen).await?;
        }
        for batch in removals.keys().chunks(REPLAY_BATCH) {
            if !self.deliver(What::Keys(batch), seen).await? {
                // One of them may be to blame.
                for key in batch {
                    self.deliver(What::Keys(slice::from_ref(key)), seen).await?;
                }
            }
        }
        for matching in removals.patterns() {
            self.deliver(What::Pattern(matching), seen).await?;
        }
        Ok(())
    }

    /// Removes and strikes off, unless the store refuses; whether it has.
    async fn deliver(&self, what: What<'_>, seen: u64) -> Result<bool, Error> {
        match self.answer(self.budget_of(what), self.remove_now(what)).await {
            Ok(_) => {
                self.pending.strike(what, seen);
                Ok(true)
            }
            Err(error) if error.is_outage() => Err(error),
            Err(error) => {
                self.tell(&error);
                Ok(false)
            }
        }
    }
}

/// However the healing task ends, by its runtime's end too, another may start.
struct Healing {
    guarded: Arc<Guarded>,
    /// It has said so, and another may be at work by now.
    over: AtomicBool,
}

impl Drop for Healing {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            self.guarded.healing.store(false, SeqCst);
        }
        self.guarded.owe();
    }
}

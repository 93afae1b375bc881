//! How a store that was lost is found again: a task that probes it, and removes what could not be removed meanwhile.
//!
//! Started by whoever sees that the store has failed or that something is pending; one at a time for each store. It says each
//! time by when it will be heard of again. One that is not, because its runtime stands still, is replaced by the next who
//! needs one, and ends when it finds that out.

use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::guarded::Guarded;
use super::pending::What;
use crate::Error;
use crate::background::spawn_aside;

/// Between two probes of a store that is down, growing from the one to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// How long a task may take to run at all.
const FIRST_RUN: Duration = Duration::from_secs(1);
/// How much later than it said a task is heard of that is only slow.
const SLACK: Duration = Duration::from_millis(500);
/// Keys in one removal of a replay.
const REPLAY_BATCH: usize = 512;

/// Who is at work to reach a store.
pub(super) struct Healer {
    /// The number of the task; 0 for none.
    shift: AtomicU64,
    /// How many there have been.
    shifts: AtomicU64,
    /// By when it will be heard of, in milliseconds since `born`.
    due: AtomicU64,
    born: Instant,
}

impl Healer {
    pub(super) fn new() -> Self {
        Self {
            shift: AtomicU64::new(0),
            shifts: AtomicU64::new(0),
            due: AtomicU64::new(0),
            born: Instant::now(),
        }
    }

    fn is_at_work(&self) -> bool {
        self.shift.load(SeqCst) != 0
    }

    /// The number of a task that is to begin, if none is at work that is heard of.
    fn begin(&self) -> Option<u64> {
        let last = self.shift.load(SeqCst);
        if last != 0 && self.now() <= self.due.load(SeqCst) {
            return None;
        }
        let shift = self.shifts.fetch_add(1, SeqCst) + 1;
        let begins = self.replace(last, shift);
        if begins {
            self.promise(shift, FIRST_RUN);
        }
        begins.then_some(shift)
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        self.shift.compare_exchange(old, new, SeqCst, SeqCst).is_ok()
    }

    /// The task will be heard of within `span`; nothing if another is at work by now.
    fn promise(&self, shift: u64, span: Duration) {
        if self.shift.load(SeqCst) != shift {
            return;
        }
        let span = span.saturating_add(SLACK).as_millis();
        let due = self.now().saturating_add(u64::try_from(span).unwrap_or(u64::MAX));
        self.due.store(due, SeqCst);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Guarded {
    /// Starts the task that reaches for the store until it answers and has removed what is pending.
    pub(crate) fn heal(self: &Arc<Self>) {
        if self.closed.load(SeqCst) {
            return;
        }
        let begun = self.healer.begin();
        self.owe();
        let Some(shift) = begun else { return };
        let healing = Healing {
            guarded: Arc::clone(self),
            shift,
            over: AtomicBool::new(false),
        };
        // A store that is down and is owed nothing is probed for those who call, of whom there may be no more.
        spawn_aside(async move {
            let guarded = &healing.guarded;
            let mut pause = FIRST_PAUSE;
            while healing.goes_on() {
                let healed = guarded.try_heal(shift).await;
                guarded.owe();
                if !healed {
                    guarded.healer.promise(shift, pause);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
                // What was queued between the last look and this moment found a healer at work and relied on it.
                healing.over.store(true, SeqCst);
                if !guarded.healer.replace(shift, 0)
                    || !guarded.has_pending()
                    || !guarded.healer.replace(0, shift)
                {
                    break;
                }
                healing.over.store(false, SeqCst);
            }
        });
    }

    /// Has `settle` wait for what is pending, as long as somebody is at it. Called whenever either may have changed.
    fn owe(&self) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.has_pending() || !self.healer.is_at_work() {
            *owed = None;
        } else if owed.is_none() {
            *owed = Some(self.background.count());
        }
    }

    async fn try_heal(&self, shift: u64) -> bool {
        self.healer.promise(shift, self.budget);
        let ping = async { self.store.ping().await };
        let answered = match self.answer(self.budget, ping).await {
            Ok(()) => self.replay(shift).await,
            Err(error) => Err(error),
        };
        if let Err(error) = answered {
            // It may be back, and not as it was.
            self.tell(&error);
            return false;
        }
        // What was answered long ago says nothing of now.
        if self.healer.shift.load(SeqCst) != shift {
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
    async fn replay(&self, shift: u64) -> Result<(), Error> {
        let removals = self.pending.snapshot();
        let seen = removals.seen();
        if removals.everything() {
            self.deliver(What::Everything, seen, shift).await?;
        }
        for batch in removals.keys().chunks(REPLAY_BATCH) {
            if !self.deliver(What::Keys(batch), seen, shift).await? {
                // One of them may be to blame.
                for key in batch {
                    self.deliver(What::Keys(slice::from_ref(key)), seen, shift)
                        .await?;
                }
            }
        }
        for matching in removals.patterns() {
            self.deliver(What::Pattern(matching), seen, shift).await?;
        }
        Ok(())
    }

    /// Removes and strikes off, unless the store refuses; whether it has.
    async fn deliver(&self, what: What<'_>, seen: u64, shift: u64) -> Result<bool, Error> {
        let budget = self.budget_of(what);
        self.healer.promise(shift, budget);
        match self.answer(budget, self.remove_now(what)).await {
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
    shift: u64,
    /// It has said so, and another may be at work by now.
    over: AtomicBool,
}

impl Healing {
    fn goes_on(&self) -> bool {
        let guarded = &self.guarded;
        // Nobody but this task has it any more, and nothing is owed.
        let is_forsaken = Arc::strong_count(guarded) == 1 && !guarded.has_pending();
        !guarded.closed.load(SeqCst) && !is_forsaken && guarded.healer.shift.load(SeqCst) == self.shift
    }
}

impl Drop for Healing {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            self.guarded.healer.replace(self.shift, 0);
        }
        self.guarded.owe();
    }
}

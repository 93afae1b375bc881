//! The workers of a queue: tasks in the background that run what is due, and end when there is nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::attempt::{attempt, caught};
use super::gather;
use super::queue::{Behind, Next};
use super::report::FailedWrite;
use super::state::Turn;
use super::write::Unput;
use crate::background::has_timers;
use crate::caches::function::Function;
use crate::fill::{End, Puts};
use crate::invalidate;
use crate::key::KeyBytes;
use crate::resilience::Failed;

/// The pause after the first run that failed; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sees to it that somebody is at work, if there is any.
pub(super) fn ensure(function: &Arc<Function>) {
    let Some(behind) = &function.behind else { return };
    if !has_timers() {
        behind.hasten();
        return;
    }
    let Some(number) = behind.employ() else { return };
    let worker = Worker {
        function: Arc::clone(function),
        begun: false,
        waiting: Some(number),
        employed: true,
    };
    // Dropped at once by a runtime that ends, and so no longer counted.
    function.background.spawn(worker.work());
}

/// Has everything run that is pending, and returns once it has; `false`, at once, where nothing can be run.
pub(crate) async fn drain(function: &Arc<Function>) -> bool {
    let Some(behind) = &function.behind else {
        return true;
    };
    if behind.len() == 0 {
        return true;
    }
    if !has_timers() {
        tracing::error!(
            function = &*function.name,
            "queued writes can only be run inside a tokio runtime with timers"
        );
        return false;
    }
    let hurry = behind.hurry();
    loop {
        let changed = behind.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if behind.len() == 0 {
            break;
        }
        // Those there were may have gone down with their runtime.
        ensure(function);
        behind.wait(changed).await;
    }
    drop(hurry);
    true
}

struct Worker {
    function: Arc<Function>,
    /// It has been polled.
    begun: bool,
    /// By its number, as long as it has not looked.
    waiting: Option<u64>,
    employed: bool,
}

impl Worker {
    async fn work(mut self) {
        self.begun = true;
        let function = Arc::clone(&self.function);
        let Some(behind) = &function.behind else { return };
        loop {
            if let Some(number) = self.waiting.take()
                && !behind.waited(number)
            {
                self.employed = false;
                return;
            }
            match behind.next() {
                Next::Run(turns) => {
                    // More may be due than one can do.
                    ensure(&function);
                    // What panics is the user's: a weight.
                    let _ = caught(run(&function, behind, turns)).await;
                }
                Next::Wait(at, number) => {
                    self.waiting = Some(number);
                    // Whichever comes first.
                    let _ = timeout_at(at, behind.woken.notified()).await;
                }
                Next::End => {
                    self.employed = false;
                    return;
                }
            }
        }
    }
}

/// With its runtime, most likely. Whoever writes next finds the work undone, and somebody for it.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.employed
            && let Some(behind) = &self.function.behind
        {
            behind.lost_worker(self.waiting);
            // Of one that never was at work nobody is told, or whoever has just employed it would do so again and again.
            if self.begun {
                behind.tell_lost();
            }
        }
    }
}

/// Writes that run. Dropped in the middle of it, they are run again: nobody knows how far they came.
struct Running<'a> {
    behind: &'a Behind,
    turns: Vec<Turn>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let turns = std::mem::take(&mut self.turns);
        if !turns.is_empty() {
            self.behind.again(turns, Instant::now());
        }
    }
}

/// One run: of a body of its own, or for several items.
async fn run(function: &Arc<Function>, behind: &Behind, turns: Vec<Turn>) {
    let mut running = Running { behind, turns };
    // From before the run, so that whoever writes or invalidates meanwhile is seen.
    let keys = running.turns.iter().map(|turn| turn.key.clone()).collect();
    let puts = Puts::begin(function, keys).await;
    behind.runs(&mut running.turns);
    let outcome = attempt(&function.background, || gather::run(&mut running.turns)).await;
    // From here on it is known what has become of them.
    let turns = std::mem::take(&mut running.turns);
    let Err(error) = outcome else {
        succeeded(function, behind, turns, puts).await;
        return;
    };
    let may_run = |turn: &Turn| turn.write.runs <= turn.write.writer.settings.retries;
    let (again, failures): (Vec<Turn>, Vec<Turn>) = turns.into_iter().partition(may_run);
    if let Some(runs) = again.iter().map(|turn| turn.write.runs).max() {
        behind.repeated.add_one();
        tracing::debug!(
            function = &*function.name,
            error,
            "a queued write has failed and will be run again"
        );
        behind.again(again, Instant::now() + pause(runs));
    }
    failed(function, behind, failures, &error).await;
}

/// Puts the values once more, unless newer ones are on their way. They are pending until then: what the tiers have meanwhile
/// may be what another process has read in the source before.
async fn succeeded(function: &Function, behind: &Behind, turns: Vec<Turn>, puts: Puts) {
    let keys: Vec<KeyBytes> = turns.iter().map(|turn| turn.key.clone()).collect();
    let _done = Finished {
        behind,
        keys: keys.clone(),
    };
    let unput = Unput::new(function, &keys);
    let end = |turn: Turn| {
        if !behind.is_newest(&turn) {
            return End::Leave;
        }
        // A store that does not take it has the entry removed.
        match turn.plan.and_then(|plan| plan.later(turn.accepted.elapsed())) {
            Some(plan) => End::Put(turn.content, plan),
            None => End::Remove,
        }
    };
    let mut failed = Failed::default();
    puts.end(turns.into_iter().map(end).collect(), &mut failed).await;
    unput.done();
}

struct Finished<'a> {
    behind: &'a Behind,
    keys: Vec<KeyBytes>,
}

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        for key in self.keys.drain(..) {
            self.behind.done(key);
        }
    }
}

/// The source has refused these values: the cache must not have them either, unless newer ones are on their way.
async fn failed(function: &Function, behind: &Behind, turns: Vec<Turn>, error: &str) {
    // They are pending no longer before they are removed, or a read could bring them back.
    let last = |turn: &&Turn| behind.done(turn.key.clone());
    let removed: Vec<KeyBytes> = turns.iter().filter(last).map(|turn| turn.key.clone()).collect();
    let untold = Untold {
        function,
        behind,
        turns,
        error,
    };
    invalidate::several(function, &removed, &mut Failed::default()).await;
    drop(untold);
}

/// Writes that have failed for good, as is told once their entries are removed: or, where the runtime ends meanwhile and their
/// removal is queued, then.
struct Untold<'a> {
    function: &'a Function,
    behind: &'a Behind,
    turns: Vec<Turn>,
    error: &'a str,
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        for turn in self.turns.drain(..) {
            self.behind.failed.add_one();
            let failed = FailedWrite {
                cache: self.function.name.to_string(),
                key: self.function.text(&turn.key),
                runs: turn.write.runs,
                error: self.error.to_owned(),
            };
            tracing::error!(
                function = turn.write.writer.settings.function,
                cache = failed.cache,
                key = failed.key,
                runs = failed.runs,
                error = failed.error,
                "a queued write has failed for good; its entry is removed"
            );
            if let Some(report) = &self.behind.report {
                // What it panics with is lost, and the others are told all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| report(&failed)));
            }
        }
    }
}

/// After so many runs that failed: a part of it is left to chance, so that what failed together does not come again together.
fn pause(runs: u32) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(1 << (runs - 1).min(16))
        .min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

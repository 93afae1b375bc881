//! The workers of a queue: tasks in the background that run what is due, and end when there is nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::attempt::{attempt, caught};
use super::queue::{Behind, Next};
use super::report::FailedWrite;
use super::state::Turn;
use crate::caches::function::Function;
use crate::call::probe_of;
use crate::fill::Put;
use crate::invalidate;
use crate::key::KeyBytes;

/// The pause after the first run that failed; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sees to it that somebody is at work, if there is any.
pub(super) fn ensure(function: &Arc<Function>) {
    let Some(behind) = &function.behind else { return };
    if !behind.employ() {
        return;
    }
    let worker = Worker {
        function: Arc::clone(function),
        waiting: false,
        employed: true,
    };
    // Dropped where there is no runtime, and so no longer counted.
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
        changed.await;
    }
    drop(hurry);
    true
}

/// Without a timer tokio panics, and does not say so beforehand.
pub(super) fn has_timers() -> bool {
    Handle::try_current().is_ok()
        && catch_unwind(AssertUnwindSafe(|| drop(tokio::time::sleep(Duration::ZERO)))).is_ok()
}

struct Worker {
    function: Arc<Function>,
    waiting: bool,
    employed: bool,
}

impl Worker {
    async fn work(mut self) {
        let function = Arc::clone(&self.function);
        let Some(behind) = &function.behind else { return };
        loop {
            match behind.next() {
                Next::Run(turn) => {
                    // More may be due than one can do.
                    ensure(&function);
                    // What panics is the user's: a weight, a report.
                    let _ = caught(run(&function, behind, *turn)).await;
                }
                Next::Wait(at) => {
                    self.waiting = true;
                    // Whichever comes first.
                    let _ = timeout_at(at, behind.woken.notified()).await;
                    self.waiting = false;
                    behind.waited();
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
        if let Some(behind) = &self.function.behind {
            if self.waiting {
                behind.waited();
            }
            if self.employed {
                behind.lost_worker();
            }
        }
    }
}

/// A write that runs. Dropped in the middle of it, it is run again: nobody knows how far it came.
struct Running<'a> {
    behind: &'a Behind,
    turn: Option<Turn>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(Turn { key, write, .. }) = self.turn.take() {
            self.behind.again(key, write, Instant::now());
        }
    }
}

async fn run(function: &Arc<Function>, behind: &Behind, turn: Turn) {
    let mut running = Running {
        behind,
        turn: Some(turn),
    };
    let Some(turn) = &mut running.turn else { return };
    // From before the run, so that whoever writes or invalidates meanwhile is seen.
    let probe = probe_of(&turn.key);
    let put = Put::begin(function, probe).await;
    behind.runs(probe.bytes, function.stamps.now(probe.hash));
    turn.write.runs += 1;
    let outcome = attempt(&mut turn.write.body).await;
    // From here on it is known what has become of it.
    let Some(turn) = running.turn.take() else { return };
    match outcome {
        Ok(()) => succeeded(function, behind, turn, put).await,
        Err(error) if turn.write.runs <= turn.write.writer.settings.retries => {
            behind.repeated.add_one();
            tracing::debug!(
                function = &*function.name,
                error,
                "a queued write has failed and will be run again"
            );
            let at = Instant::now() + pause(turn.write.runs);
            behind.again(turn.key, turn.write, at);
        }
        Err(error) => failed(function, behind, turn, error).await,
    }
}

/// Puts the value once more, unless a newer one is on its way.
async fn succeeded(function: &Arc<Function>, behind: &Behind, turn: Turn, put: Put) {
    // Until then reads see what is pending, and whatever becomes of the put, no longer.
    let done = Finished {
        behind,
        key: Some(turn.key.clone()),
    };
    if behind.is_newest(&turn) {
        match turn.plan.and_then(|plan| plan.later(turn.accepted.elapsed())) {
            Some(plan) => {
                // A store that does not take it has the entry removed.
                let _ = put.end(turn.content, plan).await;
            }
            None => invalidate::entry(function, probe_of(&turn.key)).await,
        }
    }
    drop(done);
}

struct Finished<'a> {
    behind: &'a Behind,
    key: Option<KeyBytes>,
}

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.behind.done(key);
        }
    }
}

/// The source has refused the value: the cache must not have it either, unless a newer one is on its way.
async fn failed(function: &Arc<Function>, behind: &Behind, turn: Turn, error: String) {
    behind.failed.add_one();
    let failed = FailedWrite {
        cache: function.name.to_string(),
        key: function.text(&turn.key),
        runs: turn.write.runs,
        error,
    };
    // It is pending no longer before it is removed, or a read could bring it back.
    if behind.done(turn.key.clone()) {
        invalidate::entry(function, probe_of(&turn.key)).await;
    }
    tracing::error!(
        function = turn.write.writer.settings.function,
        cache = failed.cache,
        key = failed.key,
        runs = failed.runs,
        error = failed.error,
        "a queued write has failed for good; its entry is removed"
    );
    if let Some(report) = &behind.report {
        report(&failed);
    }
}

/// After so many runs that failed: a part of it is left to chance, so that what failed together does not come again together.
fn pause(runs: u32) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(1 << (runs - 1).min(16))
        .min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

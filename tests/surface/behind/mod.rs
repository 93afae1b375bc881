//! `strategy = "write_behind"`: one file for each thing it promises. Time is tokio's, and stands still where nobody waits.

mod arguments;
mod batches;
mod beside;
mod entries;
mod failures;
mod inside;
mod lost;
mod newest;
mod nowhere;
mod panics;
mod reads;
mod removals;
mod room;
mod stops;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Semaphore;

/// A source that takes its time, fails when told to, and remembers what was written in which order.
pub(crate) struct Source {
    rows: Mutex<HashMap<u64, u64>>,
    log: Mutex<Vec<(u64, u64)>>,
    pub(crate) runs: AtomicU64,
    pub(crate) running: AtomicU64,
    pub(crate) most: AtomicU64,
    /// How many of the next writes fail.
    pub(crate) failing: AtomicU64,
    pace: Duration,
    gate: Semaphore,
    after: Semaphore,
}

impl Source {
    pub(crate) fn new() -> &'static Self {
        Self::with_pace(Duration::ZERO)
    }

    /// Each write takes this long.
    pub(crate) fn with_pace(pace: Duration) -> &'static Self {
        Box::leak(Box::new(Self {
            rows: Mutex::default(),
            log: Mutex::default(),
            runs: AtomicU64::new(0),
            running: AtomicU64::new(0),
            most: AtomicU64::new(0),
            failing: AtomicU64::new(0),
            pace,
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            after: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    pub(crate) async fn write(&self, id: u64, value: u64) -> Result<(), String> {
        self.runs.fetch_add(1, SeqCst);
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(running, SeqCst);
        let _ = self.gate.acquire().await.unwrap();
        if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
        self.running.fetch_sub(1, SeqCst);
        let fails = |left: u64| left.checked_sub(1);
        if self.failing.fetch_update(SeqCst, SeqCst, fails).is_ok() {
            return Err("the source is busy".to_owned());
        }
        self.rows.lock().unwrap().insert(id, value);
        self.log.lock().unwrap().push((id, value));
        let _ = self.after.acquire().await.unwrap();
        Ok(())
    }

    pub(crate) fn row(&self, id: u64) -> Option<u64> {
        self.rows.lock().unwrap().get(&id).copied()
    }

    pub(crate) fn log(&self) -> Vec<(u64, u64)> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(SeqCst)
    }

    /// Somebody else writes.
    pub(crate) fn set(&self, id: u64, value: u64) {
        self.rows.lock().unwrap().insert(id, value);
    }

    /// Somebody else deletes.
    pub(crate) fn delete(&self, id: u64) {
        self.rows.lock().unwrap().remove(&id);
    }

    /// Writes wait until `open` when they have written.
    pub(crate) fn close_after(&self) {
        self.after.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Writes wait in their middle until `open`.
    pub(crate) fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        for gate in [&self.gate, &self.after] {
            gate.add_permits(Semaphore::MAX_PERMITS - gate.available_permits());
        }
    }
}

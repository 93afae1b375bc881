//! Batches and single calls of the same keys at the same time: who loads what, who takes over, who gets which error.

mod circles;
mod failures;
mod orders;
mod stress;
mod takeovers;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// A source of values that is asked for one or for many, and answers when it is let.
#[derive(Default)]
pub(crate) struct Shop {
    /// The ids of each run of a batch's body, and those of single runs, in order.
    runs: Mutex<Vec<Vec<u64>>>,
    alone: Mutex<Vec<u64>>,
    begun: Notify,
    gate: Gate,
}

/// Shut until somebody opens it, for as many as he says.
struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Shop {
    /// One that lets everybody through.
    pub(crate) fn open() -> Self {
        let shop = Self::default();
        shop.let_through(Semaphore::MAX_PERMITS / 2);
        shop
    }

    pub(crate) fn let_through(&self, runs: usize) {
        self.gate.0.add_permits(runs);
    }

    /// A run of a batch's body.
    pub(crate) async fn many(&self, ids: &[u64]) {
        self.runs.lock().unwrap().push(ids.to_vec());
        self.begun.notify_one();
        self.gate.0.acquire().await.unwrap().forget();
    }

    /// A run of a single body.
    pub(crate) async fn one(&self, id: u64) {
        self.alone.lock().unwrap().push(id);
        self.begun.notify_one();
        self.gate.0.acquire().await.unwrap().forget();
    }

    /// Returns once one more body runs.
    pub(crate) async fn begun(&self) {
        self.begun.notified().await;
    }

    pub(crate) fn runs(&self) -> Vec<Vec<u64>> {
        self.runs.lock().unwrap().clone()
    }

    pub(crate) fn alone(&self) -> Vec<u64> {
        self.alone.lock().unwrap().clone()
    }
}

/// What the source says of these.
pub(crate) fn doubled(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id * 2)).collect()
}

/// Lets everything that can go on go on. Time stands still meanwhile.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub(crate) async fn all<T>(calls: Vec<JoinHandle<T>>) -> Vec<T> {
    crate::crowd::ends(calls).await.answers
}

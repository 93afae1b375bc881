//! What the functions of the table read and write: rows, a gate in front of them, and refusals.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::watch;

pub(crate) const REFUSED: &str = "the source refuses";

#[derive(Default)]
pub(crate) struct Rows {
    rows: Mutex<HashMap<u64, u64>>,
    /// What bodies have written.
    written: watch::Sender<Vec<(u64, u64)>>,
    reads: watch::Sender<u64>,
    refuses: AtomicBool,
    shut: watch::Sender<bool>,
    /// How many bodies wait at the gate.
    waiting: watch::Sender<usize>,
}

impl Rows {
    /// Somebody else writes a row.
    pub(crate) fn set(&self, id: u64, value: u64) {
        self.rows.lock().unwrap().insert(id, value);
    }

    pub(crate) fn row(&self, id: u64) -> u64 {
        self.rows.lock().unwrap()[&id]
    }

    /// How many bodies of readers have begun.
    pub(crate) fn reads(&self) -> u64 {
        *self.reads.borrow()
    }

    /// Returns once so many have.
    pub(crate) async fn have_read(&self, bodies: u64) {
        let mut reads = self.reads.subscribe();
        reads.wait_for(|reads| *reads >= bodies).await.unwrap();
    }

    /// What bodies have written, by row: those of different rows may run side by side.
    pub(crate) fn written(&self) -> Vec<(u64, u64)> {
        let mut written = self.written.borrow().clone();
        written.sort_by_key(|(id, _)| *id);
        written
    }

    /// Returns once a body has written this.
    pub(crate) async fn has_been_written(&self, id: u64, value: u64) {
        let mut written = self.written.subscribe();
        written
            .wait_for(|written| written.contains(&(id, value)))
            .await
            .unwrap();
    }

    /// From now on every body fails, or none does.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, SeqCst);
    }

    /// From now on bodies wait until [`open`](Self::open).
    pub(crate) fn shut(&self) {
        self.shut.send_replace(true);
    }

    pub(crate) fn open(&self) {
        self.shut.send_replace(false);
    }

    /// Returns once so many bodies wait.
    pub(crate) async fn are_waiting(&self, bodies: usize) {
        let mut waiting = self.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= bodies).await.unwrap();
    }

    /// The body of a reader.
    pub(crate) async fn read(&self, id: u64) -> Result<u64, String> {
        self.reads.send_modify(|reads| *reads += 1);
        self.pass().await?;
        Ok(self.row(id))
    }

    /// The body of a writer.
    pub(crate) async fn write(&self, id: u64, value: u64) -> Result<(), String> {
        self.pass().await?;
        self.set(id, value);
        self.written.send_modify(|written| written.push((id, value)));
        Ok(())
    }

    async fn pass(&self) -> Result<(), String> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.shut.subscribe().wait_for(|shut| !shut).await.unwrap();
        self.waiting.send_modify(|waiting| *waiting -= 1);
        if self.refuses.load(SeqCst) {
            return Err(REFUSED.to_owned());
        }
        Ok(())
    }
}

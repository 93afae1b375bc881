//! Removing what matches a pattern, and what has expired: always in steps that nobody else feels.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::Error as Cause;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Inner;
use super::pattern::Search;
use super::statements::Only;
use super::wire::{Argument, Statement};

/// Keys looked at, and at most as many removed, by one statement.
const STEP: usize = 1_000;
/// Rest between two steps of a sweep of what has expired.
const PAUSE: Duration = Duration::from_millis(50);

type Wanted<'a> = &'a (dyn Fn(&str) -> bool + Send + Sync);

impl Inner {
    /// Removes the rows whose keys match, entries and leases alike; says how many entries went.
    ///
    /// One pass is enough, since a fill changes a row and makes none. The lease that an older load was given is a row
    /// that is there when this begins, and rows do not move: either this comes to it before the fill does, which is
    /// then refused, or after it, and removes the entry. A row that is made meanwhile belongs to a newer load.
    pub(super) async fn remove_matching(&self, pattern: &str, wanted: Wanted<'_>) -> Result<u64, Cause> {
        let search = Search::new(pattern);
        let sql = self.dialect.page(&self.table, STEP, search.until.is_some());
        let (mut head, mut hash) = (search.from.clone(), Vec::new());
        let mut removed = 0;
        loop {
            let mut arguments = vec![
                Argument::Bytes(&search.like),
                Argument::Bytes(&head),
                Argument::Bytes(&head),
                Argument::Bytes(&hash),
            ];
            arguments.extend(search.until.as_deref().map(Argument::Bytes));
            let page = self
                .rows(&Statement {
                    sql: &sql,
                    arguments,
                    writes: false,
                    // Planned anew each time: a plan for any range is one for short ranges, which sorts all of a long one.
                    recurs: false,
                })
                .await?;
            let mut doomed = Vec::new();
            for row in &page {
                // What is not UTF-8 is somebody else's.
                if let Ok(Some(name)) = &row.value
                    && let Ok(key) = str::from_utf8(name)
                    && search.matches(key)
                    && wanted(key)
                {
                    doomed.push(row.hash.as_slice());
                }
            }
            // Those with an entry first, to count them; a fill that comes between is removed with the leases.
            removed += self.remove_rows(&mut doomed, Only::Live).await?;
            self.remove_rows(&mut doomed, Only::All).await?;
            let full = page.len() >= STEP;
            let Some(last) = page.into_iter().next_back().filter(|_| full) else {
                return Ok(removed);
            };
            (head, hash) = (last.token.unwrap_or_default(), last.hash);
        }
    }

    /// Removes some of what has expired, and says how many rows went.
    async fn sweep_some(&self) -> Result<u64, Cause> {
        let sql = self.dialect.dead(&self.table, self.sweeps.batch);
        let dead = self
            .rows(&Statement {
                sql: &sql,
                arguments: Vec::new(),
                writes: false,
                recurs: true,
            })
            .await?;
        let mut hashes: Vec<&[u8]> = dead.iter().map(|row| row.hash.as_slice()).collect();
        self.remove_rows(&mut hashes, Only::Dead).await
    }
}

/// When what has expired is removed, and the task that does so.
pub(super) struct Sweeps {
    every: Duration,
    batch: usize,
    running: Arc<AtomicBool>,
    /// Dropped with the store, which ends the task at once.
    alive: watch::Sender<()>,
}

/// Says that the task has ended, however that came.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

impl Sweeps {
    pub(super) fn new(every: Duration, batch: usize) -> Self {
        Self {
            every,
            batch: batch.clamp(1, 100_000),
            running: Arc::default(),
            alive: watch::Sender::new(()),
        }
    }

    /// Starts the task of `store` if it is not running: at the first call, and again if the runtime it ran on has ended.
    pub(super) fn ensure(&self, store: &Arc<Inner>) {
        if self.every.is_zero() || self.running.load(SeqCst) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if !self.running.swap(true, SeqCst) {
            let running = Running(Arc::clone(&self.running));
            let ended = self.alive.subscribe();
            runtime.spawn(keep_sweeping(Arc::downgrade(store), self.every, ended, running));
        }
    }
}

async fn keep_sweeping(
    store: Weak<Inner>,
    every: Duration,
    mut ended: watch::Receiver<()>,
    _running: Running,
) {
    // The processes that share a table do not sweep all at once.
    let mut pause = every.mul_f64(0.5 + fastrand::f64() / 2.0);
    let mut removed = 0;
    // Nothing is ever sent, so this ends by the sender's end alone.
    while timeout(pause, ended.changed()).await.is_err() {
        // Held for one step only, so that a store that is dropped is gone with it.
        let Some(store) = store.upgrade() else { return };
        pause = every;
        match store.sweep_some().await {
            Ok(some) => {
                removed += some;
                // Of what another process was quicker to remove, that one removes the rest.
                if some >= store.sweeps.batch as u64 {
                    pause = PAUSE.min(every);
                    continue;
                }
                tracing::debug!(store = store.name, removed, "what had expired is removed");
                removed = 0;
            }
            Err(error) => tracing::warn!(store = store.name, %error, "what has expired could not be removed"),
        }
    }
}

//! Work that goes on after a call has returned: backfills, invalidations of cancelled writers, replays.
//!
//! Counted, so that `settle` can wait for all of it. Where no tokio runtime is there to run on, the work is not lost
//! but refused, and whoever asked decides.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::store::BoxFuture;

/// The tasks of one `Caches`.
#[derive(Clone, Default)]
pub(crate) struct Background(Arc<Running>);

#[derive(Default)]
struct Running {
    tasks: AtomicUsize,
    idle: Notify,
}

/// Counts a task, or what is waited for as one, until it is dropped, however that comes.
pub(crate) struct Counted(Arc<Running>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.tasks.fetch_sub(1, SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

/// Runs work that nobody has to wait for, on the runtime of the caller. Nothing has run outside of any.
pub(crate) fn spawn_aside(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Whether this runs in a runtime with timers. Without one tokio panics, and does not say so beforehand.
pub(crate) fn has_timers() -> bool {
    Handle::try_current().is_ok() && catch_unwind(AssertUnwindSafe(|| drop(sleep(Duration::ZERO)))).is_ok()
}

impl Background {
    /// Whether they are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Runs `work` on the runtime of the caller. `false`, and nothing has run, outside of any.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(runtime) = Handle::try_current() else {
            return false;
        };
        let counted = self.count();
        runtime.spawn(async move {
            let _counted = counted;
            work.await;
        });
        true
    }

    /// Does `work` for as long as `patience` lasts. What is left of it then goes on, and nobody waits for it.
    pub(crate) async fn patiently(&self, patience: Duration, mut work: BoxFuture<'static, ()>) {
        if !has_timers() {
            // No store can be asked there.
            work.await;
        } else if timeout(patience, &mut work).await.is_err() {
            self.spawn(work);
        }
    }

    /// One more to wait for, whoever is at it.
    pub(crate) fn count(&self) -> Counted {
        self.0.tasks.fetch_add(1, SeqCst);
        Counted(Arc::clone(&self.0))
    }

    /// Waits until no task is left, or for as long as `patience` lasts; whether none is left.
    pub(crate) async fn settle_within(&self, patience: Duration) -> bool {
        if self.0.tasks.load(SeqCst) == 0 {
            return true;
        }
        if has_timers() {
            return timeout(patience, self.settle()).await.is_ok();
        }
        self.settle().await;
        true
    }

    /// Returns once no task is left, those that tasks have started included.
    async fn settle(&self) {
        loop {
            let idle = self.0.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.0.tasks.load(SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}

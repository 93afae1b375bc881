//! Time for those who look up together.
//!
//! Called by `batch`. As a rule an answer comes within a fraction of a millisecond, and a timer of each caller's own would be
//! armed and taken back for nothing, under a lock that all threads share. So while there are batches one task goes
//! round, once in a [`MOMENT`], and wakes whoever has been waiting since before its last round. They arm timers then, so
//! that nobody's budget is measured by this task.
//!
//! It is relied on by callers in its own runtime alone: where that stands still, so do they. Where it ends early, with its
//! runtime, it wakes them all.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::super::Inner;

/// Long beside a journey, and short beside what somebody is ready to wait.
pub(super) const MOMENT: Duration = Duration::from_millis(10);

/// Watches over the batches of a store.
struct Watch(Arc<Inner>);

/// Begins to, until there are none.
pub(super) fn begin(store: &Arc<Inner>, runtime: &Handle) {
    let watch = Watch(Arc::clone(store));
    runtime.spawn(async move {
        loop {
            sleep(MOMENT).await;
            if !watch.0.queue.moment() {
                return;
            }
        }
    });
}

impl Drop for Watch {
    fn drop(&mut self) {
        while self.0.queue.moment() {}
    }
}

//! One run of a body that nobody waits for.
//!
//! Like a load, it says that it is about to poll the user's body: a removal in there that waited for what is pending could
//! wait for itself, or for a worker that it keeps from coming free.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::store::BoxFuture;

/// Makes a run of the body, of copies of its arguments; a run says why it failed.
pub(crate) type Body = Box<dyn FnMut() -> Run + Send>;
pub(crate) type Run = BoxFuture<'static, Result<(), String>>;

thread_local! {
    /// How many bodies are being polled further up this very stack.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

/// Whether who asks is a body that runs here, or is polled by one.
pub(super) fn is_within() -> bool {
    RUNNING.try_with(|running| running.get() > 0).unwrap_or(false)
}

/// Until it is dropped a body is being polled.
struct Within;

impl Within {
    fn enter() -> Self {
        // A thread that is about to end has no count any more.
        let _ = RUNNING.try_with(|running| running.set(running.get() + 1));
        Self
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        let _ = RUNNING.try_with(|running| running.set(running.get() - 1));
    }
}

/// Runs once what `make` makes. A run that panics has failed.
pub(super) fn attempt(make: impl FnOnce() -> Run) -> impl Future<Output = Result<(), String>> + Send {
    let made = catch_unwind(AssertUnwindSafe(make)).map_err(|panic| told(&*panic));
    async {
        let mut run = made?;
        let within = poll_fn(|context| {
            let _within = Within::enter();
            run.as_mut().poll(context)
        });
        caught(within).await?
    }
}

/// What comes of `work`, or what it panics with.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(told(&*panic))),
        },
    )
    .await
}

fn told(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.map_or_else(|| "panicked".to_owned(), |words| format!("panicked: {words}"))
}

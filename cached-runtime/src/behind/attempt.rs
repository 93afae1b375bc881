//! One run of a body that nobody waits for.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::store::BoxFuture;

/// Makes a run of the body, of copies of its arguments; a run says why it failed.
pub(crate) type Body = Box<dyn FnMut() -> Run + Send>;
pub(crate) type Run = BoxFuture<'static, Result<(), String>>;

/// Runs once what `make` makes. A run that panics has failed.
pub(super) fn attempt(make: impl FnOnce() -> Run) -> impl Future<Output = Result<(), String>> + Send {
    let made = catch_unwind(AssertUnwindSafe(make)).map_err(|panic| told(&*panic));
    async { caught(made?).await? }
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

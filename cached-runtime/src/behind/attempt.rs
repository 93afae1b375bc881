//! One run of a body that nobody waits for.
//!
//! Like a load, it says that it is about to poll the user's body: a removal in there that waited for what is pending could
//! wait for itself, or for a worker that it keeps from coming free.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::background::Background;
use crate::store::BoxFuture;

/// Makes a run of the body, of copies of its arguments; a run says why it failed.
pub(crate) type Body = Box<dyn FnMut() -> Run + Send>;
pub(crate) type Run = BoxFuture<'static, Result<(), String>>;

thread_local! {
    /// The tasks beside which a body is run that this thread polls, from the outside in.
    static INSIDE: RefCell<Vec<Background>> = const { RefCell::new(Vec::new()) };
}

/// Whether a body asks.
///
/// What it waited for there might wait for it. A task that it spawns is not inside.
pub(super) fn is_inside() -> bool {
    INSIDE
        .try_with(|inside| !inside.borrow().is_empty())
        .unwrap_or(false)
}

/// Whether a body asks that is run beside these tasks.
pub(crate) fn is_inside_of(background: &Background) -> bool {
    INSIDE
        .try_with(|inside| inside.borrow().iter().any(|outer| outer.is(background)))
        .unwrap_or(false)
}

/// A body is being polled.
struct Inside;

impl Inside {
    fn enter(background: &Background) -> Self {
        // A thread that is about to end has no list any more.
        let _ = INSIDE.try_with(|inside| inside.borrow_mut().push(background.clone()));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside.borrow_mut().pop());
    }
}

/// Runs once what `make` makes, beside these tasks. A run that panics has failed.
pub(super) fn attempt(
    background: &Background,
    make: impl FnOnce() -> Run,
) -> impl Future<Output = Result<(), String>> + Send {
    let made = catch_unwind(AssertUnwindSafe(make)).map_err(|panic| told(&*panic));
    let background = background.clone();
    async move {
        let mut body = made?;
        let body = poll_fn(|context| {
            let _inside = Inside::enter(&background);
            body.as_mut().poll(context)
        });
        caught(body).await?
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

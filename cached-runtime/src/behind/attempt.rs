//! One run of a body that nobody waits for.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::store::BoxFuture;

/// Makes a run of the body, of copies of its arguments; a run says why it failed.
pub(crate) type Body = Box<dyn FnMut() -> Run + Send>;
pub(crate) type Run = BoxFuture<'static, Result<(), String>>;

/// Runs `body` once. One that panics has failed.
pub(super) async fn attempt(body: &mut Body) -> Result<(), String> {
    let made = catch_unwind(AssertUnwindSafe(body));
    let mut run = made.map_err(|panic| told(&*panic))?;
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(told(&*panic))))
    })
    .await
}

fn told(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.map_or_else(|| "panicked".to_owned(), |words| format!("panicked: {words}"))
}

//! Work that goes on where its caller is kept and not polled, and ends where he is gone.
//!
//! What waits its turn among others, or has it, must not be left lying: nobody else would get it.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::BoxFuture;

/// Until it is done or its caller is gone.
struct Work<T>(Mutex<Option<BoxFuture<'static, T>>>);

impl<T> Work<T> {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut work = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = work.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = running.as_mut().poll(context);
        if polled.is_ready() {
            *work = None;
        }
        polled.map(Some)
    }
}

/// Ends the work of a caller that is gone: at once, since the runtime of its task may stand still; by the task, if that is at it.
struct Caller<T> {
    work: Arc<Work<T>>,
    task: AbortHandle,
}

impl<T> Drop for Caller<T> {
    fn drop(&mut self) {
        if let Ok(mut work) = self.work.0.try_lock() {
            let left = work.take();
            drop(work);
            drop(left);
        }
        self.task.abort();
    }
}

/// Does it in a task of its own. Nothing outside of a runtime, or if that ends before it.
pub(super) async fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let runtime = Handle::try_current().ok()?;
    let work = Arc::new(Work(Mutex::new(Some(Box::pin(work) as BoxFuture<'static, T>))));
    let task = runtime.spawn({
        let work = Arc::clone(&work);
        poll_fn(move |context| work.poll(context))
    });
    let _caller = Caller {
        work,
        task: task.abort_handle(),
    };
    task.await.ok().flatten()
}

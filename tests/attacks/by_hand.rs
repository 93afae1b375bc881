//! Futures that are polled by hand, driven by something else than tokio, or driven on a thread of their own.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::STUCK;

/// What is there at once.
pub(crate) fn poll_once<F: Future>(work: F) -> Option<F::Output> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor that knows nothing of tokio.
pub(crate) fn block_on<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + STUCK;
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(Instant::now() < end, "stuck");
        thread::park_timeout(Duration::from_millis(100));
    }
}

/// Fails instead of waiting forever for what keeps its thread.
pub(crate) fn must_return(work: impl FnOnce() + Send + 'static) {
    let (done, end) = channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    let Err(why) = end.recv_timeout(STUCK) else { return };
    assert!(why != RecvTimeoutError::Timeout, "stuck");
    std::panic::resume_unwind(worker.join().unwrap_err());
}

//! Several futures of one task at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Requests of one key each that are under way at a time, where a store has none of many keys.
pub(crate) const BESIDE: usize = 64;

/// What comes of several futures that are polled together, in their order.
pub(crate) async fn all<F: Future + ?Sized>(mut futures: Vec<Pin<Box<F>>>) -> Vec<F::Output> {
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut ready = Poll::Ready(());
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(done) => *output = Some(done),
                    Poll::Pending => ready = Poll::Pending,
                }
            }
        }
        ready
    })
    .await;
    outputs.into_iter().flatten().collect()
}

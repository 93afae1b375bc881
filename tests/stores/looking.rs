//! Look-ups with budgets, one poll at a time: what tests about waiting have in common.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{BoxFuture, Error, Lookup, Store, TimeBudget};
use tokio::time::Instant;

pub(crate) type Answer = Option<Result<Lookup, Error>>;

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn look(store: &Redis, budget: Duration) -> impl Future<Output = Answer> + Send + 'static {
    let store = store.clone();
    async move {
        let budget = TimeBudget::since(Instant::now(), budget);
        store.get_within("shop:a", false, budget).await
    }
}

/// Polls it once.
pub(crate) async fn begin<F: Future + Unpin>(call: &mut F) {
    poll_fn(|context| {
        assert!(Pin::new(&mut *call).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// Two look-ups that have asked, so that all others wait.
pub(crate) async fn take_both_seats(store: &Redis, budget: Duration) -> [BoxFuture<'static, Answer>; 2] {
    let one = || -> BoxFuture<'static, Answer> { Box::pin(look(store, budget)) };
    let mut held = [one(), one()];
    for seat in &mut held {
        begin(seat).await;
    }
    held
}

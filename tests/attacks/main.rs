//! Programs that a caching library does not expect: each found something, or could have.
#![deny(warnings)]
#![forbid(unsafe_code)]

mod aging;
mod behind_orders;
mod behind_storm;
mod behind_waits;
mod by_hand;
mod cancelled;
mod clearing;
mod extremes;
mod instantiations;
mod itself;
mod lying;
mod odd;
mod orders;
mod panics;
mod places;
mod refreshed;
mod refreshed_beside;
mod refreshed_pending;
mod silent;
mod types;
mod writers;

use std::future::Future;
use std::time::Duration;

/// Far longer than anything here takes.
const STUCK: Duration = Duration::from_secs(20);

/// Fails instead of waiting forever.
async fn must_end<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(STUCK, work).await.expect("stuck")
}

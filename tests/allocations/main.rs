//! What costs memory and what does not. A binary of its own, for the allocator that counts by thread.
#![deny(warnings)]
#![forbid(unsafe_code)]

mod abandoned;
mod hits;
mod sizes;
mod waiting;

use cached_runtime::Caches;
use cached_runtime::stores::Null;

/// `far` stands for any remote store: a hit in memory never gets there.
fn caches() -> Caches {
    Caches::builder().store("far", Null).build().unwrap()
}

/// Runs `work` to its end on this thread.
fn run<F: Future>(caches: &Caches, work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(caches.scope(work))
}

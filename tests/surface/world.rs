//! What every test stands on: a `Caches` of its own, a clock that stands still, and bodies that count their runs.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cached_runtime::stores::Null;
use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, CachesBuilder, Store};

use crate::far::Far;

pub(crate) struct World {
    pub(crate) caches: Caches,
    pub(crate) clock: ManualClock,
    pub(crate) far: Far,
}

/// A builder that serves every function of this program.
pub(crate) fn builder(clock: &ManualClock, far: &Far) -> CachesBuilder {
    with_near(clock, far, Null)
}

/// The same with a store between memory and `far`, for the functions that name one.
pub(crate) fn with_near(clock: &ManualClock, far: &Far, near: impl Store) -> CachesBuilder {
    Caches::builder()
        .clock(clock)
        .store("far", far.clone())
        .store("near", near)
}

/// Runs a test in a world of its own.
pub(crate) async fn world<R>(test: impl AsyncFnOnce(World) -> R) -> R {
    let (clock, far) = (ManualClock::new(), Far::default());
    let caches = builder(&clock, &far).build().unwrap();
    let world = World {
        caches: caches.clone(),
        clock,
        far,
    };
    caches.scope(test(world)).await
}

/// How often a body has run.
#[derive(Debug, Default)]
pub(crate) struct Runs(AtomicU64);

impl Runs {
    /// Counts one more; the first is 1.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

/// Polls once and drops, in the middle of whatever it waits for.
pub(crate) fn begin_and_drop(work: impl Future) {
    let first = pin!(work).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(first, Poll::Pending));
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

//! Other attributes beside `#[cache]` and `#[invalidate]`.

use cached_runtime::{cache, invalidate};
use tracing::instrument;

use crate::world::{Runs, world};

/// What a user would write.
///
/// # Errors
///
/// If there is none.
#[must_use]
#[inline]
#[cache(backend = "local")]
#[allow(clippy::needless_pass_by_value)]
pub(crate) async fn documented(#[allow(unused_variables)] id: u64) -> u64 {
    7
}

#[instrument(skip(runs))]
#[cache(skip(runs), backend = "local")]
async fn instrumented_above(runs: &Runs, id: u64) -> Result<u64, String> {
    let run = runs.next();
    if id == 0 {
        return Err("none".to_owned());
    }
    Ok(run)
}

#[cache(skip(runs), backend = "local")]
#[instrument(skip(runs), err, ret)]
async fn instrumented_below(runs: &Runs, id: u64) -> Result<u64, String> {
    let run = runs.next();
    if id == 0 {
        return Err("none".to_owned());
    }
    Ok(run)
}

struct Service {
    runs: Runs,
}

impl Service {
    #[instrument(skip(self))]
    #[cache(skip(self), backend = "local")]
    async fn above(&self, id: u64) -> Option<u64> {
        Some(self.runs.next() + id)
    }

    #[cache(skip(self), backend = "local")]
    #[instrument(skip(self))]
    async fn below(&self, id: u64) -> Option<u64> {
        Some(self.runs.next() + id)
    }

    #[instrument(skip(self))]
    #[invalidate(Self::above(id))]
    async fn write_above(&self, id: u64) -> Result<(), String> {
        (id > 0).then_some(()).ok_or_else(|| "none".to_owned())
    }

    #[invalidate(Self::below(id))]
    #[instrument(skip(self))]
    async fn write_below(&self, id: u64) -> Result<(), String> {
        (id > 0).then_some(()).ok_or_else(|| "none".to_owned())
    }
}

#[tokio::test]
async fn instrument_stands_on_either_side() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(instrumented_above(&runs, 1).await, Ok(1));
            assert_eq!(instrumented_below(&runs, 1).await, Ok(2));
        }
        assert!(instrumented_above(&runs, 0).await.is_err());
        assert!(instrumented_below(&runs, 0).await.is_err());
        let service = Service {
            runs: Runs::default(),
        };
        for _ in 0..2 {
            assert_eq!(service.above(1).await, Some(2));
            assert_eq!(service.below(1).await, Some(3));
        }
        service.write_above(1).await.unwrap();
        service.write_below(1).await.unwrap();
        assert_eq!(service.above(1).await, Some(4));
        assert_eq!(service.below(1).await, Some(5));
    })
    .await;
}

#[tokio::test]
async fn the_users_own_attributes_stay() {
    world(async |_| {
        assert_eq!(documented(1).await, 7);
        assert_eq!(documented_uncached(1).await, 7);
        assert_eq!(gone_in_tests(1).await, 1);
        assert_eq!(expecting(1).await, 1);
    })
    .await;
}

#[cfg(not(test))]
#[cache(backend = "local")]
async fn gone_in_tests(id: u64) -> Nothing {
    id
}

#[cfg(test)]
#[cache(backend = "local")]
#[cfg_attr(test, allow(unused_mut))]
async fn gone_in_tests(mut id: u64) -> u64 {
    id
}

/// A lint that the body fulfils is fulfilled.
#[cache(backend = "local")]
#[expect(unused_variables, reason = "the test is about it")]
async fn expecting(id: u64) -> u64 {
    let unused = id;
    1
}

#[cache(key = "f2:combined:{id}", skip(runs), backend = "local")]
#[invalidate(documented(id))]
async fn cache_above_invalidate(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[invalidate(documented(id))]
#[cache(key = "f2:combined-below:{id}", skip(runs), backend = "local")]
async fn cache_below_invalidate(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[tokio::test]
async fn both_attributes_may_stand_on_one_function() {
    world(async |_| {
        let runs = Runs::default();
        let there = async || documented_entry(1).get().await.unwrap().is_some();
        let _ = documented(1).await;
        assert_eq!(cache_above_invalidate(&runs, 1).await, 1);
        assert!(!there().await);
        let _ = documented(1).await;
        assert_eq!(cache_above_invalidate(&runs, 1).await, 1);
        let _ = documented(1).await;
        assert_eq!(cache_below_invalidate(&runs, 1).await, 2);
        assert!(!there().await);
        assert_eq!(cache_below_invalidate(&runs, 1).await, 2);
        assert_eq!(cache_above_invalidate_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(cache_below_invalidate_entry(1).get().await.unwrap(), Some(2));
    })
    .await;
}

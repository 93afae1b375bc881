//! `cache_if`: which values are kept.

use cached_runtime::cache;

use crate::world::{Runs, world};

#[derive(Clone, Debug, PartialEq)]
struct Page {
    complete: bool,
}

#[cache(cache_if = |page| page.complete, skip(runs), backend = "local")]
async fn pages(runs: &Runs, id: u64) -> Result<Option<Page>, String> {
    runs.next();
    Ok(Some(Page { complete: id > 10 }))
}

#[tokio::test]
async fn only_values_for_which_it_holds_are_kept() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..3 {
            assert_eq!(pages(&runs, 1).await, Ok(Some(Page { complete: false })));
        }
        assert_eq!(runs.count(), 3);
        for _ in 0..3 {
            assert_eq!(pages(&runs, 11).await, Ok(Some(Page { complete: true })));
        }
        assert_eq!(runs.count(), 4);
        assert_eq!(pages_cache().stats().entries, 1);
    })
    .await;
}

#[tokio::test]
async fn what_it_refuses_removes_what_was_there() {
    world(async |_| {
        let entry = pages_entry(5);
        entry.insert(Page { complete: true }).await.unwrap();
        assert_eq!(entry.get().await.unwrap(), Some(Page { complete: true }));
        entry.insert(Page { complete: false }).await.unwrap();
        assert_eq!(entry.get().await.unwrap(), None);
    })
    .await;
}

/// A refreshed value that is not to be kept must not leave the old one behind.
#[tokio::test]
async fn a_refresh_that_it_refuses_leaves_nothing_old() {
    use cached_runtime::{Mode, with_mode};
    world(async |_| {
        let runs = Runs::default();
        let entry = pages_entry(6);
        entry.insert(Page { complete: true }).await.unwrap();
        let fresh = with_mode(Mode::Refresh, pages(&runs, 6)).await;
        assert_eq!(fresh, Ok(Some(Page { complete: false })));
        assert_eq!(entry.get().await.unwrap(), None);
    })
    .await;
}

//! Batches over the entries of a function whose source is written later.

use std::collections::HashMap;

use cached_runtime::{Mode, cache, invalidate, update, with_mode};
use tokio::time::sleep;

use super::Source;
use crate::world::{Runs, secs, world};

#[cache(
    key = "behind-batch:{id}",
    strategy = "write_behind",
    ttl = "10s",
    cache_if = |value| *value != 13,
    skip(source),
    backend = ["local", "far"]
)]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(entries(row(id) for id in ids), skip(source, asked))]
async fn rows(source: &'static Source, asked: &mut Vec<u64>, ids: &[u64]) -> HashMap<u64, u64> {
    asked.extend(ids);
    ids.iter()
        .filter_map(|id| Some((*id, source.row(*id)?)))
        .collect()
}

#[invalidate(row(id))]
async fn invalidating(id: u64) {
    let _ = id;
}

/// The same through a store alone.
#[cache(
    key = "behind-batch:far:{id}",
    strategy = "write_behind",
    skip(source),
    backend = "far"
)]
async fn far_row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(far_row(id) = value, strategy = "write_behind")]
async fn save_far(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(entries(far_row(id) for id in ids), skip(source, asked))]
async fn far_rows(
    source: &'static Source,
    asked: &mut Vec<u64>,
    ids: Vec<u64>,
) -> Result<HashMap<u64, u64>, String> {
    asked.extend(&ids);
    Ok(ids
        .iter()
        .filter_map(|id| Some((*id, source.row(*id)?)))
        .collect())
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_seen_beside_what_is_kept_and_what_is_missing() {
    world(async |world| {
        let (source, mut asked) = (Source::new(), Vec::new());
        for id in [2, 3] {
            source.write(id, id).await.unwrap();
        }
        source.close();
        save(source, 1, 10).await;
        // Lost by every tier, and kept by one.
        world.clock.advance(secs(11));
        world.far.drop_all();
        assert_eq!(row(source, 2).await, Some(2));
        source.set(2, 99);
        let found = rows(source, &mut asked, &[1, 2, 3, 4]).await;
        assert_eq!(found, HashMap::from([(1, 10), (2, 2), (3, 3)]));
        assert_eq!(asked, [3, 4]);
        // Newer than the source whatever the mode, and past every cache what the source has.
        asked.clear();
        let again = with_mode(Mode::Refresh, rows(source, &mut asked, &[1, 2])).await;
        assert_eq!(
            (again, &*asked),
            (HashMap::from([(1, 10), (2, 99)]), &[2_u64][..])
        );
        let past = with_mode(Mode::Off, rows(source, &mut asked, &[1])).await;
        assert_eq!(past, HashMap::new());
        source.open();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn once_it_is_written_it_is_in_the_tiers_and_in_the_source() {
    world(async |world| {
        let (source, mut asked) = (Source::new(), Vec::new());
        for id in 1..=3 {
            save(source, id, id * 10).await;
        }
        world.caches.settle().await;
        let expected = HashMap::from([(1, 10), (2, 20), (3, 30)]);
        assert_eq!(rows(source, &mut asked, &[1, 2, 3]).await, expected);
        assert_eq!(asked, [] as [u64; 0]);
        row_cache().clear().await.unwrap();
        assert_eq!(rows(source, &mut asked, &[3, 2, 1]).await, expected);
        assert_eq!(asked, [3, 2, 1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_chain_without_memory_and_of_what_is_not_kept() {
    world(async |world| {
        let (source, mut asked) = (Source::new(), Vec::new());
        source.write(2, 20).await.unwrap();
        source.close();
        save_far(source, 1, 10).await;
        world.far.drop_all();
        let found = far_rows(source, &mut asked, vec![1, 2]).await;
        assert_eq!(
            (found, &*asked),
            (Ok(HashMap::from([(1, 10), (2, 20)])), &[2_u64][..])
        );
        assert_eq!(
            (far_row(source, 1).await, far_row(source, 2).await),
            (Some(10), Some(20))
        );
        save(source, 5, 12).await;
        save(source, 5, 13).await;
        asked.clear();
        let found = rows(source, &mut asked, &[5]).await;
        assert_eq!((found, &*asked), (HashMap::from([(5, 13)]), &[][..]));
        source.open();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_it_loads_fills_the_first_tier_first() {
    world(async |world| {
        let (source, mut asked) = (Source::new(), Vec::new());
        source.write(1, 10).await.unwrap();
        rows(source, &mut asked, &[1]).await;
        assert!(world.far.present().is_empty());
        world.caches.settle().await;
        assert_eq!(world.far.present(), ["behind-batch:1"]);
    })
    .await;
}

/// The body may have written, and somebody else too.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_not_served_after_an_invalidation() {
    world(async |world| {
        let (source, mut asked) = (Source::new(), Vec::new());
        source.close_after();
        save(source, 1, 10).await;
        sleep(secs(1)).await;
        source.set(1, 11);
        let seen = rows(source, &mut asked, &[1]).await;
        assert_eq!((seen, asked.len()), (HashMap::from([(1, 10)]), 0));
        let invalidated = invalidating(1);
        tokio::pin!(invalidated);
        tokio::select! {
            () = &mut invalidated => panic!("it comes after what is on its way"),
            () = sleep(secs(1)) => source.open(),
        }
        invalidated.await;
        assert_eq!(rows(source, &mut asked, &[1]).await, HashMap::from([(1, 11)]));
        world.caches.settle().await;
    })
    .await;
}

struct Service {
    source: &'static Source,
    loads: Runs,
}

impl Service {
    #[cache(
        key = "behind-batch:self:{id}",
        strategy = "write_behind",
        skip(self),
        backend = "local"
    )]
    async fn of(&self, id: u64) -> Option<u64> {
        self.source.row(id)
    }

    #[cache(entries(self.of(id) for id in ids))]
    async fn of_all(&self, ids: &[u64]) -> HashMap<u64, u64> {
        self.loads.next();
        ids.iter()
            .filter_map(|id| Some((*id, self.source.row(*id)?)))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn methods_and_writes_of_an_entry() {
    world(async |world| {
        let service = Service {
            source: Source::new(),
            loads: Runs::default(),
        };
        let source = service.source;
        let writer = move || async move { source.write(1, 10).await };
        Service::of_entry(1)
            .write_behind(10, writer)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(service.of_all(&[1]).await, HashMap::from([(1, 10)]));
        assert_eq!(service.loads.count(), 0);
        world.caches.settle().await;
        assert_eq!(service.of(1).await, Some(10));
        assert_eq!(source.row(1), Some(10));
    })
    .await;
}

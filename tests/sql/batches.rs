//! Batches over a table: asked for in statements of many keys, and stored in statements of many rows.

use std::collections::HashMap;
use std::sync::Mutex;

use cached_runtime::stores::{Null, Sql};
use cached_runtime::{Caches, cache};
use cached_tests::{SqliteFile, tier};

/// The ids of each run of the body.
type Runs = Mutex<Vec<Vec<u64>>>;

#[cache(key = "line:{id}", ttl = "1h", backend = ["local", "sqlite"])]
async fn line(id: u64) -> String {
    format!("line {id}")
}

#[cache(entries(line(id) for id in ids), skip(runs))]
async fn lines(runs: &Runs, ids: &[u64]) -> HashMap<u64, String> {
    runs.lock().unwrap().push(ids.to_vec());
    ids.iter().map(|id| (*id, format!("line {id}"))).collect()
}

async fn started(file: &SqliteFile) -> Caches {
    Caches::builder()
        .namespace("shop")
        .store("sqlite", Sql::connect(file.url()).await.unwrap())
        .store("mysql", Null)
        .store("postgres", Null)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_batch_finds_what_another_process_has_stored() {
    let (file, runs) = (SqliteFile::new(), Runs::default());
    let first = started(&file).await;
    let ids: Vec<u64> = (0..700).collect();
    assert_eq!(first.scope(lines(&runs, &ids)).await.len(), 700);
    first.scope(line(700)).await;
    first.settle().await;
    let second = started(&file).await;
    second
        .scope(async { line_entry(7).invalidate().await.unwrap() })
        .await;
    let more: Vec<u64> = (0..710).collect();
    let map = second.scope(lines(&runs, &more)).await;
    assert_eq!(map.len(), 710);
    assert!(map.iter().all(|(id, line)| *line == format!("line {id}")));
    let missing: Vec<u64> = std::iter::once(7).chain(701..710).collect();
    assert_eq!(runs.lock().unwrap()[1..], [missing]);
    let stats = second.scope(async { line_cache().stats() }).await;
    assert_eq!(
        (tier(&stats, "sqlite").hits, tier(&stats, "sqlite").refused),
        (700, 0)
    );
}

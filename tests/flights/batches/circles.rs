//! Loads that would wait for each other in a circle: bodies that ask for other keys, and batches that have several.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cached_runtime::{Caches, cache};
use tokio::sync::Barrier;
use tokio::time::{Duration, timeout};

use crate::crowd::caches;

/// Far longer than anything here takes; time stands still meanwhile.
const STUCK: Duration = Duration::from_secs(60);

/// A tree: 4 hangs below 1, which hangs below 3, and 6 below 4 in turn.
fn parent(id: u64) -> Option<u64> {
    match id {
        6 => Some(4),
        4 => Some(1),
        1 => Some(3),
        _ => None,
    }
}

struct Tree {
    runs: AtomicUsize,
    /// Bodies of batches wait here for each other.
    meet: Barrier,
}

impl Tree {
    fn met_by(batches: usize) -> Arc<Self> {
        Arc::new(Self {
            runs: AtomicUsize::new(0),
            meet: Barrier::new(batches),
        })
    }
}

#[cache(backend = "local", skip(tree))]
async fn depth(tree: &Tree, id: u64) -> u64 {
    tree.runs.fetch_add(1, SeqCst);
    match parent(id) {
        None => 0,
        Some(parent) => Box::pin(depth(tree, parent)).await + 1,
    }
}

#[cache(entries(depth(id) for id in ids), skip(tree))]
async fn depths(tree: &Tree, ids: &[u64]) -> HashMap<u64, u64> {
    tree.meet.wait().await;
    let mut depths = HashMap::new();
    for id in ids {
        let depth = match parent(*id) {
            None => 0,
            Some(parent) => depth(tree, parent).await + 1,
        };
        depths.insert(*id, depth);
    }
    depths
}

/// By another batch, so that a batch waits inside of a batch.
#[cache(entries(depth(id) for id in ids), skip(tree))]
async fn depths_by_depths(tree: &Tree, ids: &[u64]) -> HashMap<u64, u64> {
    tree.meet.wait().await;
    let parents: Vec<u64> = ids.iter().filter_map(|id| parent(*id)).collect();
    let above = depths_alone(tree, &parents).await;
    ids.iter()
        .map(|id| (*id, parent(*id).map_or(0, |parent| above[&parent] + 1)))
        .collect()
}

#[cache(entries(depth(id) for id in ids), skip(tree))]
async fn depths_alone(tree: &Tree, ids: &[u64]) -> HashMap<u64, u64> {
    let mut depths = HashMap::new();
    for id in ids {
        depths.insert(*id, Box::pin(depth_uncached(tree, *id)).await);
    }
    depths
}

async fn ends<T>(caches: &Caches, work: impl Future<Output = T>) -> T {
    timeout(STUCK, caches.scope(work))
        .await
        .expect("they wait for each other")
}

/// Neither's keys depend on themselves, and each has a parent of the other's.
#[tokio::test(start_paused = true)]
async fn two_batches_with_the_parents_of_each_other() {
    let (caches, tree) = (caches(), Tree::met_by(2));
    let both = async { tokio::join!(depths(&tree, &[1, 2]), depths(&tree, &[3, 4])) };
    let (one, other) = ends(&caches, both).await;
    assert_eq!(one, HashMap::from([(1, 1), (2, 0)]));
    assert_eq!(other, HashMap::from([(3, 0), (4, 2)]));
    // What one of them had to find out by itself, past the cache.
    assert!(tree.runs.load(SeqCst) <= 2);
    assert_eq!(caches.scope(depth(&tree, 4)).await, 2);
    assert!(tree.runs.load(SeqCst) <= 2, "all of it is kept");
}

#[tokio::test(start_paused = true)]
async fn three_batches_in_a_circle() {
    let (caches, tree) = (caches(), Tree::met_by(3));
    let all = async {
        tokio::join!(
            depths(&tree, &[6, 3]),
            depths_by_depths(&tree, &[1, 7]),
            depths(&tree, &[8, 4]),
        )
    };
    let (six, one, four) = ends(&caches, all).await;
    assert_eq!((six[&6], six[&3]), (3, 0));
    assert_eq!((one[&1], four[&4]), (1, 2));
}

/// On threads of their own, and at random.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_at_random() {
    for _ in 0..300 {
        let (caches, tree) = (caches(), Tree::met_by(1));
        let batches: Vec<_> = (0..4)
            .map(|_| {
                let tree = Arc::clone(&tree);
                let ids: Vec<u64> = (1..8).filter(|_| fastrand::bool()).collect();
                tokio::spawn(caches.scope(async move { depths(&tree, &ids).await }))
            })
            .collect();
        for batch in batches {
            let depths = timeout(STUCK, batch).await.expect("stuck").unwrap();
            for (id, depth) in depths {
                let above = std::iter::successors(parent(id), |id| parent(*id)).count();
                assert_eq!(depth, above as u64, "{id}");
            }
        }
    }
}

//! Reads, writes and invalidations of every kind at once, by chance, over stores that take their time. `CACHED_SEED`
//! repeats a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Mode, with_mode};

use crate::chains::{
    Chain, Far, FarNear, How, Local, LocalFar, LocalOff, Moka, MokaFar, NearFar, Stores, Three, ThreeOff,
};
use crate::model::Model;
use crate::source::{KEYS, Source};

const TASKS: usize = 24;
const STEPS: usize = 250;

/// What a storm is about.
struct Scene {
    stores: Stores,
    source: Source,
    /// The least that a read may see that begins now.
    floors: [AtomicU64; KEYS],
    reads: AtomicUsize,
    hits: AtomicUsize,
}

impl Scene {
    fn new(random: &mut fastrand::Rng, budget: Duration) -> Self {
        let (near, far) = (Model::by_chance(random), Model::by_chance(random));
        Self {
            stores: Stores::of(near, far, budget),
            source: Source::by_chance(random),
            floors: Default::default(),
            reads: AtomicUsize::new(0),
            hits: AtomicUsize::new(0),
        }
    }

    async fn step<C: Chain>(&self, random: &mut fastrand::Rng) {
        let id = random.usize(0..KEYS);
        match random.u8(0..100) {
            0..70 => self.read::<C>(id, random).await,
            70..80 => self.look::<C>(id).await,
            _ => self.write::<C>(id, random).await,
        }
    }

    async fn read<C: Chain>(&self, id: usize, random: &mut fastrand::Rng) {
        let mode = if random.u8(0..20) == 0 {
            Mode::Refresh
        } else {
            Mode::Normal
        };
        let patience = match random.u8(0..10) {
            0 => Duration::from_micros(random.u64(0..2_000)),
            _ => Duration::from_secs(60),
        };
        let floor = self.floors[id].load(SeqCst);
        let read = with_mode(mode, C::read(&self.source, id));
        if let Ok(Ok(seen)) = tokio::time::timeout(patience, read).await {
            self.reads.fetch_add(1, SeqCst);
            assert!(
                seen >= floor,
                "{}: key {id} was read as {seen} after {floor} had been invalidated",
                C::NAME
            );
        }
    }

    async fn look<C: Chain>(&self, id: usize) {
        let floor = self.floors[id].load(SeqCst);
        if let Some(seen) = C::look(id).await {
            self.hits.fetch_add(1, SeqCst);
            assert!(
                seen >= floor,
                "{}: {seen} was kept for {id} after {floor}",
                C::NAME
            );
        }
    }

    async fn write<C: Chain>(&self, id: usize, random: &mut fastrand::Rng) {
        let how = How::ALL[random.usize(0..How::ALL.len())];
        let least = C::write(&self.source, id, how).await;
        for (floor, least) in self.floors.iter().zip(least) {
            floor.fetch_max(least, SeqCst);
        }
    }
}

/// How many entries were found on the way.
async fn storm<C: Chain>(random: &mut fastrand::Rng, budget: Duration) -> usize {
    let scene = Arc::new(Scene::new(random, budget));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (scene, mut random) = (Arc::clone(&scene), random.fork());
            let caches = scene.stores.caches.clone();
            tokio::spawn(caches.scope(async move {
                for _ in 0..STEPS {
                    scene.step::<C>(&mut random).await;
                }
            }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    scene.stores.caches.settle().await;
    // What is left is as new as it has to be, in every tier.
    let last = scene.stores.caches.scope(async {
        for id in 0..KEYS {
            scene.look::<C>(id).await;
            scene.read::<C>(id, &mut fastrand::Rng::new()).await;
        }
    });
    last.await;
    let (reads, hits) = (scene.reads.load(SeqCst), scene.hits.load(SeqCst));
    println!("{}: {reads} reads, {hits} entries found", C::NAME);
    // A busy machine may be too slow for each of these.
    assert!(reads > TASKS * STEPS / 4 && (hits > 0 || budget < AMPLE));
    hits
}

fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(cached_tests::seed())
}

/// Nothing is ever too slow.
const AMPLE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_older_than_the_last_invalidation_in_memory() {
    let mut random = random();
    for _ in 0..3 {
        storm::<Local>(&mut random, AMPLE).await;
        storm::<LocalOff>(&mut random, AMPLE).await;
        storm::<Moka>(&mut random, AMPLE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_older_than_the_last_invalidation_in_a_chain() {
    let mut random = random();
    storm::<Far>(&mut random, AMPLE).await;
    storm::<LocalFar>(&mut random, AMPLE).await;
    storm::<MokaFar>(&mut random, AMPLE).await;
    storm::<NearFar>(&mut random, AMPLE).await;
    storm::<FarNear>(&mut random, AMPLE).await;
    storm::<Three>(&mut random, AMPLE).await;
    storm::<ThreeOff>(&mut random, AMPLE).await;
}

/// Some calls of the stores are given up, and have their effect all the same, later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_older_than_the_last_invalidation_where_stores_are_too_slow() {
    let mut random = random();
    let scant = Duration::from_millis(2);
    let found = [
        storm::<Far>(&mut random, scant).await,
        storm::<LocalFar>(&mut random, scant).await,
        storm::<NearFar>(&mut random, scant).await,
        storm::<Three>(&mut random, scant).await,
    ];
    assert!(found.iter().sum::<usize>() > 0);
}

//! Two writers of one entry and a reader, in every order of their steps: at the end the cache says what the source
//! says, or nothing. In memory, on a server below it, and as two processes on one server.
//!
//! Orders run side by side, each on a key of its own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, cache, invalidate, update};
use cached_tests::RedisServer;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::setup::caches;

/// Who takes part: two writers and a reader.
type Who = usize;
const READER: Who = 2;

/// What one order is about.
pub(crate) struct Scene {
    key: u64,
    source: AtomicU64,
    parts: [Part; 3],
}

/// How many more steps of a body may be taken, and how many have been and nobody has waited for.
struct Part {
    go: Semaphore,
    taken: Semaphore,
}

impl Scene {
    fn new(key: u64) -> Self {
        let part = |_| Part {
            go: Semaphore::new(0),
            taken: Semaphore::new(0),
        };
        Self {
            key,
            source: AtomicU64::new(1),
            parts: [0, 1, 2].map(part),
        }
    }

    /// The body of a writer. What it writes is its own.
    async fn write(&self, who: Who) -> u64 {
        self.parts[who].step().await;
        self.source.store(value_of(who), SeqCst);
        self.parts[who].step().await;
        value_of(who)
    }

    /// The body of the reader.
    async fn read(&self) -> u64 {
        let value = self.source.load(SeqCst);
        self.parts[READER].step().await;
        value
    }
}

fn value_of(who: Who) -> u64 {
    10 * (who as u64 + 1)
}

impl Part {
    async fn step(&self) {
        self.taken.add_permits(1);
        self.go.acquire().await.unwrap().forget();
    }

    /// Returns once the next step has been taken, or all of `work` is done: a read may be a hit.
    async fn taken<T>(&self, work: &mut Option<JoinHandle<T>>) {
        let Some(handle) = work else { return };
        tokio::select! {
            taken = self.taken.acquire() => taken.unwrap().forget(),
            done = handle => {
                done.unwrap();
                *work = None;
            }
        }
    }
}

/// What a writer does about the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Update,
    /// With a value that is made before the body.
    Value,
    /// Of an entry that is known only once the body has run.
    ByOutput,
    Invalidate,
    /// Dropped in the place of its last step.
    Dropped,
}

trait Cached: Send + 'static {
    fn read(scene: &Scene) -> impl Future<Output = Option<u64>> + Send;
    fn write(scene: &Scene, who: Who, way: Way) -> impl Future<Output = ()> + Send;
    /// What the cache says.
    fn peek(key: u64) -> impl Future<Output = Option<u64>> + Send;
}

macro_rules! functions {
    ($($module:ident $cached:ident: $key:literal, $strategy:literal, $backend:tt;)+) => {$(
        struct $cached;

        mod $module {
            use super::{Scene, Who, cache, invalidate, update, value_of};

            #[cache(key = $key, strategy = $strategy, backend = $backend, ttl = "1h", skip(scene))]
            pub(super) async fn read(scene: &Scene, id: u64) -> Option<u64> {
                let _ = id;
                Some(scene.read().await)
            }

            #[update(read(scene.key))]
            pub(super) async fn update(scene: &Scene, who: Who) -> u64 {
                scene.write(who).await
            }

            #[update(read(scene.key) = value_of(who))]
            pub(super) async fn update_to(scene: &Scene, who: Who) {
                scene.write(who).await;
            }

            #[update(read(output.0) = output.1)]
            pub(super) async fn update_by_output(scene: &Scene, who: Who) -> (u64, u64) {
                (scene.key, scene.write(who).await)
            }

            #[invalidate(read(scene.key))]
            pub(super) async fn invalidating(scene: &Scene, who: Who) {
                scene.write(who).await;
            }
        }

        impl Cached for $cached {
            async fn read(scene: &Scene) -> Option<u64> {
                $module::read(scene, scene.key).await
            }

            async fn write(scene: &Scene, who: Who, way: Way) {
                match way {
                    Way::Update | Way::Dropped => drop($module::update(scene, who).await),
                    Way::Value => $module::update_to(scene, who).await,
                    Way::ByOutput => drop($module::update_by_output(scene, who).await),
                    Way::Invalidate => $module::invalidating(scene, who).await,
                }
            }

            async fn peek(key: u64) -> Option<u64> {
                $module::read_entry(key).get().await.unwrap()
            }
        }
    )+};
}

functions! {
    aside_in_memory AsideInMemory: "orders:a:{id}", "cache_aside", "local";
    aside_in_both AsideInBoth: "orders:b:{id}", "cache_aside", ["local", "redis"];
    through_in_memory ThroughInMemory: "orders:c:{id}", "write_through", "local";
    through_in_both ThroughInBoth: "orders:d:{id}", "write_through", ["local", "redis"];
    through_below ThroughBelow: "orders:e:{id}", "write_through", "redis";
}

/// Every order in which the steps of all can be taken: each taker occurs as often as it has steps.
fn orders(steps: [usize; 3]) -> Vec<Vec<Who>> {
    if steps == [0; 3] {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for who in (0..3).filter(|&who| steps[who] > 0) {
        let mut left = steps;
        left[who] -= 1;
        all.extend(orders(left).into_iter().map(|mut rest| {
            rest.insert(0, who);
            rest
        }));
    }
    all
}

/// A writer begins its body, commits, and returns; a reader begins its body, and returns.
const WITH_READER: [usize; 3] = [3, 3, 2];
const WITHOUT_READER: [usize; 3] = [3, 3, 0];

/// Plays one order. The writers and the reader are each in a process of their own, which may be the same one.
async fn play<C: Cached>(
    processes: [Caches; 3],
    key: u64,
    order: &[Who],
    ways: [Way; 2],
    filled: bool,
) -> Arc<Scene> {
    let scene = Arc::new(Scene::new(key));
    if filled {
        scene.parts[READER].go.add_permits(1);
        processes[0].scope(C::read(&scene)).await;
        scene.parts[READER].taken.acquire().await.unwrap().forget();
    }
    let [mut first, mut second, mut reader] = [None, None, None];
    let mut taken = [0; 3];
    for &who in order {
        taken[who] += 1;
        let (scene, caches) = (Arc::clone(&scene), processes[who].clone());
        let part = Arc::clone(&scene);
        let part = &part.parts[who];
        let work = [&mut first, &mut second, &mut reader]
            .into_iter()
            .nth(who)
            .unwrap();
        match (taken[who], who) {
            (1, READER) => {
                *work = Some(tokio::spawn(
                    async move { _ = caches.scope(C::read(&scene)).await },
                ));
                part.taken(work).await;
            }
            (1, _) => {
                let way = ways[who];
                *work = Some(tokio::spawn(async move {
                    caches.scope(C::write(&scene, who, way)).await
                }));
                part.taken(work).await;
            }
            (2, 0 | 1) => {
                part.go.add_permits(1);
                part.taken(work).await;
            }
            _ => {
                let Some(work) = work.take() else { continue };
                if who < READER && ways[who] == Way::Dropped {
                    work.abort();
                    assert!(work.await.is_err_and(|error| error.is_cancelled()));
                } else {
                    part.go.add_permits(1);
                    work.await.unwrap();
                }
            }
        }
    }
    scene
}

/// Where the writers and the reader are, and who looks at the end.
struct Place {
    processes: [Caches; 3],
    /// What these see is right or nothing.
    judges: Vec<Caches>,
}

/// How many entries were kept.
async fn play_all<C: Cached>(place: &Place, ways: [Way; 2], steps: [usize; 3], keys: &AtomicU64) -> usize {
    let mut running = JoinSet::new();
    let most = Arc::new(Semaphore::new(100));
    for order in orders(steps) {
        for filled in [false, true] {
            let key = keys.fetch_add(1, SeqCst);
            let (processes, order) = (place.processes.clone(), order.clone());
            let turn = Arc::clone(&most).acquire_owned().await.unwrap();
            running.spawn(async move {
                let _turn = turn;
                let scene = play::<C>(processes, key, &order, ways, filled).await;
                (scene, order)
            });
        }
    }
    let played = running.join_all().await;
    for caches in &place.processes {
        caches.settle().await;
    }
    let mut kept = 0;
    for (scene, order) in played {
        for judge in &place.judges {
            let held = judge.scope(C::peek(scene.key)).await;
            let source = scene.source.load(SeqCst);
            assert!(
                held.is_none_or(|held| held == source),
                "{ways:?} in the order {order:?}: the cache says {held:?}, the source {source}"
            );
            kept += usize::from(held.is_some());
        }
    }
    kept
}

/// Every pair of ways, in some of which the reader takes part. How many entries were kept.
async fn all_ways<C: Cached>(place: &Place) -> usize {
    const WAYS: [Way; 5] = [
        Way::Update,
        Way::Value,
        Way::ByOutput,
        Way::Invalidate,
        Way::Dropped,
    ];
    let (keys, mut kept) = (AtomicU64::new(0), 0);
    for first in WAYS {
        for second in WAYS {
            let steps = match (first, second) {
                (Way::Update, Way::Update | Way::Invalidate) | (Way::ByOutput, Way::ByOutput) => WITH_READER,
                _ => WITHOUT_READER,
            };
            kept += play_all::<C>(place, [first, second], steps, &keys).await;
        }
    }
    kept
}

/// One process; what it has in its memory is judged, and what there is below.
async fn one(server: &RedisServer) -> Place {
    let (all, other) = (caches(server).await, caches(server).await);
    Place {
        processes: [all.clone(), all.clone(), all.clone()],
        judges: vec![all, other],
    }
}

/// Two processes, the reader in the first. What one has in memory it does not know to be old, so the server is judged.
async fn two(server: &RedisServer) -> Place {
    let [first, second, other] = [caches(server).await, caches(server).await, caches(server).await];
    Place {
        processes: [first.clone(), second, first],
        judges: vec![other],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    let server = RedisServer::unix().await;
    let mut place = one(&server).await;
    place.judges.truncate(1);
    let aside = all_ways::<AsideInMemory>(&place).await;
    let through = all_ways::<ThroughInMemory>(&place).await;
    assert!(through > aside, "{through} and {aside} entries kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_and_on_a_server() {
    let server = RedisServer::unix().await;
    let place = one(&server).await;
    let aside = all_ways::<AsideInBoth>(&place).await;
    let through = all_ways::<ThroughInBoth>(&place).await;
    assert!(through > aside, "{through} and {aside} entries kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_on_one_server() {
    let server = RedisServer::unix().await;
    let place = two(&server).await;
    let aside = all_ways::<AsideInBoth>(&place).await;
    let through = all_ways::<ThroughInBoth>(&place).await;
    assert!(through > aside, "{through} and {aside} entries kept");
    all_ways::<ThroughBelow>(&place).await;
}

#[test]
fn there_are_that_many_orders() {
    assert_eq!(orders(WITHOUT_READER).len(), 20);
    assert_eq!(orders(WITH_READER).len(), 560);
}

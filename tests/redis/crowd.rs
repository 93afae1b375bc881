//! Readers and writers of a few entries in two processes, by chance: once all is quiet the cache says what the source
//! says, or nothing.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, cache, invalidate, update};
use cached_tests::{RedisServer, seed};
use tokio::task::{JoinSet, yield_now};

use crate::setup::caches;

const KEYS: usize = 2;
const TASKS: usize = 8;
/// Few, since what is left at the end tells of the last ones alone.
const STEPS: usize = 3;
const ROUNDS: usize = 300;

#[derive(Default)]
struct Source {
    values: [AtomicU64; KEYS],
    last: AtomicU64,
}

/// How often a body gives way before and after it reads or writes.
type Pauses = [usize; 2];

impl Source {
    async fn read(&self, id: usize, pauses: Pauses) -> u64 {
        give_way(pauses[0]).await;
        let value = self.values[id].load(SeqCst);
        give_way(pauses[1]).await;
        value
    }

    async fn write(&self, id: usize, pauses: Pauses) -> u64 {
        give_way(pauses[0]).await;
        let value = self.last.fetch_add(1, SeqCst) + 1;
        self.values[id].store(value, SeqCst);
        give_way(pauses[1]).await;
        value
    }
}

async fn give_way(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

#[cache(key = "crowd:{id}", strategy = "write_through", backend = ["local", "redis"], skip(source, pauses))]
async fn row(source: &Source, id: usize, pauses: Pauses) -> u64 {
    source.read(id, pauses).await
}

#[update(row(id))]
async fn write(source: &Source, id: usize, pauses: Pauses) -> u64 {
    source.write(id, pauses).await
}

#[update(row(output.0) = output.1)]
async fn write_by_output(source: &Source, id: usize, pauses: Pauses) -> (usize, u64) {
    (id, source.write(id, pauses).await)
}

#[update(row(id))]
async fn write_or_fail(source: &Source, id: usize, pauses: Pauses) -> Result<u64, ()> {
    give_way(pauses[0]).await;
    if pauses[1] == 0 {
        return Err(());
    }
    Ok(source.write(id, pauses).await)
}

#[invalidate(row(id))]
async fn write_and_invalidate(source: &Source, id: usize, pauses: Pauses) {
    source.write(id, pauses).await;
}

#[cache(key = "later:{id}", strategy = "write_behind", backend = ["local", "redis"], skip(source, pauses))]
async fn later(source: &Source, id: usize, pauses: Pauses) -> u64 {
    source.read(id, pauses).await
}

#[update(later(id) = value, strategy = "write_behind", retries = 1)]
async fn write_later(
    source: &Arc<Source>,
    id: usize,
    value: u64,
    pauses: Pauses,
) -> Result<(), &'static str> {
    give_way(pauses[0]).await;
    if fastrand::u32(..10) == 0 {
        return Err("by chance");
    }
    source.values[id].store(value, SeqCst);
    give_way(pauses[1]).await;
    Ok(())
}

#[invalidate(later(id))]
async fn write_now(source: &Source, id: usize, pauses: Pauses) {
    source.write(id, pauses).await;
}

async fn step(source: &Arc<Source>, random: &mut fastrand::Rng) {
    let id = random.usize(..KEYS);
    let pauses = [random.usize(..4), random.usize(..12)];
    match random.u32(..12) {
        0..5 => _ = row(source, id, pauses).await,
        5..8 => _ = write(source, id, pauses).await,
        8 => _ = write_by_output(source, id, pauses).await,
        9 => _ = write_or_fail(source, id, pauses).await,
        10 => write_and_invalidate(source, id, pauses).await,
        // Dropped wherever it is by then.
        _ => tokio::select! {
            biased;
            _ = write(source, id, pauses) => {}
            () = give_way(random.usize(..30)) => {}
        },
    }
}

async fn step_later(source: &Arc<Source>, random: &mut fastrand::Rng) {
    let id = random.usize(..KEYS);
    let pauses = [random.usize(..4), random.usize(..12)];
    match random.u32(..10) {
        0..4 => _ = later(source, id, pauses).await,
        4..8 => {
            let value = source.last.fetch_add(1, SeqCst) + 1;
            write_later(source, id, value, pauses).await.unwrap();
        }
        8 => write_now(source, id, pauses).await,
        _ => later_entry(id).invalidate().await.unwrap(),
    }
}

/// Whether the source is written at once.
#[derive(Debug, Clone, Copy)]
enum What {
    Now,
    Later,
}

async fn held(caches: &Caches, what: What, id: usize) -> Option<u64> {
    let look = async {
        match what {
            What::Now => row_entry(id).get().await,
            What::Later => later_entry(id).get().await,
        }
    };
    caches.scope(look).await.unwrap()
}

/// `processes` are such that what is in the memory of any of them counts, or that it does not.
async fn crowd(
    random: &mut fastrand::Rng,
    what: What,
    rounds: usize,
    processes: &[Caches],
    judges: &[Caches],
) {
    let mut kept = 0;
    for round in 0..rounds {
        let source = Arc::new(Source::default());
        for caches in processes.iter().chain(judges) {
            caches.clear().await.unwrap();
        }
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (source, caches) = (Arc::clone(&source), processes[task % processes.len()].clone());
            let mut random = random.fork();
            tasks.spawn(async move {
                for _ in 0..STEPS {
                    match what {
                        What::Now => caches.scope(step(&source, &mut random)).await,
                        What::Later => caches.scope(step_later(&source, &mut random)).await,
                    }
                }
            });
        }
        tasks.join_all().await;
        for caches in processes.iter().chain(judges) {
            caches.settle().await;
        }
        for id in 0..KEYS {
            let now = source.values[id].load(SeqCst);
            for judge in judges {
                let held = held(judge, what, id).await;
                assert!(
                    held.is_none_or(|held| held == now),
                    "entry {id} in round {round}, {what:?}: the cache says {held:?}, the source {now}"
                );
                kept += usize::from(held.is_some());
            }
        }
    }
    assert!(kept > 0, "nothing was ever kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_one_process() {
    let mut random = fastrand::Rng::with_seed(seed());
    let server = RedisServer::unix().await;
    let all = caches(&server).await;
    for (what, rounds) in [(What::Now, ROUNDS), (What::Later, ROUNDS / 5)] {
        crowd(
            &mut random,
            what,
            rounds,
            slice::from_ref(&all),
            slice::from_ref(&all),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes() {
    let mut random = fastrand::Rng::with_seed(seed());
    let server = RedisServer::unix().await;
    let both = [caches(&server).await, caches(&server).await];
    // What is in the memory of one process another may have made wrong.
    let processes = both.clone();
    let judges = [caches(&server).await];
    for (what, rounds) in [(What::Now, ROUNDS), (What::Later, ROUNDS / 5)] {
        crowd(&mut random, what, rounds, &processes, &judges).await;
    }
}

//! Calls of every kind at random: nobody hangs, nobody gets what is another's, and nothing is left behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::cache;
use cached_tests::seed;
use fastrand::Rng;
use tokio::task::yield_now;

use crate::crowd::{caches, crowd, ends, fall_over};

const IDS: u64 = 24;

/// The truth: a number for each id that only grows.
#[derive(Default)]
struct Truth {
    versions: [AtomicU64; 24],
    /// Which of them nobody may fall behind any more: its invalidation has returned.
    settled: [AtomicU64; 24],
    /// What calls returned that they must not. A body may panic, so these cannot.
    wrong: Mutex<Vec<String>>,
}

impl Truth {
    fn read(&self, id: u64) -> u64 {
        id + IDS * self.versions[usize::try_from(id).unwrap()].load(SeqCst)
    }

    fn settled(&self, id: u64) -> u64 {
        self.settled[usize::try_from(id).unwrap()].load(SeqCst)
    }

    async fn change(&self, id: u64) {
        let place = usize::try_from(id).unwrap();
        let version = self.versions[place].fetch_add(1, SeqCst) + 1;
        one_entry(id).invalidate().await.unwrap();
        self.settled[place].fetch_max(version, SeqCst);
    }
}

/// How a body behaves.
#[derive(Clone, Copy)]
struct Whim {
    yields: usize,
    end: u8,
}

impl Whim {
    fn of(random: &mut Rng) -> Self {
        Self {
            yields: random.usize(0..4),
            end: random.u8(0..10),
        }
    }

    async fn follow(self) -> Result<(), String> {
        for _ in 0..self.yields {
            yield_now().await;
        }
        match self.end {
            0 => fall_over(),
            1 => Err("a bad day".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cache(backend = "local", capacity = 16, skip(truth, whim))]
async fn one(truth: &Truth, whim: Whim, id: u64) -> Result<u64, String> {
    let value = truth.read(id);
    whim.follow().await?;
    Ok(value)
}

#[cache(entries(one(id) for id in ids), skip(truth, whim))]
async fn many(truth: &Truth, whim: Whim, ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
    let read = ids.iter().map(|id| (*id, truth.read(*id))).collect();
    whim.follow().await?;
    Ok(read)
}

/// Of another error.
#[cache(entries(one(id) for id in ids), skip(truth, whim))]
async fn others(truth: &Truth, whim: Whim, ids: Vec<u64>) -> Result<Vec<(u64, u64)>, ()> {
    let read = ids.iter().map(|id| (*id, truth.read(*id))).collect();
    whim.follow().await.map_err(drop)?;
    Ok(read)
}

impl Truth {
    /// A value of an id, no older than what was settled when the call began.
    fn check(&self, id: u64, value: u64, least: u64) {
        if value % IDS != id || value / IDS < least {
            self.wrong(format!("{id}: {value}, and at least version {least}"));
        }
    }

    fn count(&self, found: usize, asked: usize) {
        if found != asked {
            self.wrong(format!("{found} of {asked}"));
        }
    }

    fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }
}

async fn call(truth: Arc<Truth>, mut random: Rng) {
    for _ in 0..40 {
        let whim = Whim::of(&mut random);
        let ids: Vec<u64> = (0..random.usize(0..12)).map(|_| random.u64(0..IDS)).collect();
        let least: HashMap<u64, u64> = ids.iter().map(|id| (*id, truth.settled(*id))).collect();
        let patience = Duration::from_micros(random.u64(1..2000));
        match random.u8(0..8) {
            0 | 1 => {
                let id = random.u64(0..IDS);
                let least = truth.settled(id);
                if let Ok(value) = one(&truth, whim, id).await {
                    truth.check(id, value, least);
                }
            }
            2 => {
                let id = random.u64(0..IDS);
                truth.change(id).await;
            }
            3 => drop(tokio::time::timeout(patience, many(&truth, whim, &ids)).await),
            4 => {
                if let Ok(pairs) = others(&truth, whim, ids.clone()).await {
                    truth.count(pairs.len(), least.len());
                    for (id, value) in pairs {
                        truth.check(id, value, least[&id]);
                    }
                }
            }
            _ => {
                if let Ok(map) = many(&truth, whim, &ids).await {
                    truth.count(map.len(), least.len());
                    for (id, value) in map {
                        truth.check(id, value, least[&id]);
                    }
                }
            }
        }
    }
}

/// What was read before a change and is stored or waited for after its invalidation has returned is found out here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_every_kind() {
    let mut seeds = Rng::with_seed(seed());
    for _ in 0..10 {
        let (caches, truth) = (caches(), Arc::new(Truth::default()));
        let calls = crowd(&caches, 60, |_| call(Arc::clone(&truth), seeds.fork()));
        // A body that panics takes its caller along.
        let ended = ends(calls).await;
        assert_eq!(ended.answers.len() + ended.panicked.len(), 60);
        assert_eq!(*truth.wrong.lock().unwrap(), [""; 0]);
        // Nobody leads and nobody waits any more: every id is loaded by who asks now.
        caches
            .scope(async {
                one_cache().clear().await.unwrap();
                let all: Vec<u64> = (0..IDS).collect();
                let calm = Whim { yields: 0, end: 9 };
                let whole = tokio::time::timeout(Duration::from_secs(9), many(&truth, calm, &all));
                let map = whole.await.unwrap().unwrap();
                for (id, value) in map {
                    assert_eq!(value, truth.read(id));
                }
            })
            .await;
    }
}

//! Writes that run later, removals and reads of every kind, by chance, over a store that takes its time. `CACHED_SEED` repeats
//! a run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, Caches, Mode, Strategy, with_mode};
use fastrand::Rng;
use tokio::time::{sleep, timeout};

use crate::odd::{Act, Odd};

const KEYS: usize = 5;
const STEPS: usize = 200;
const READERS: usize = 8;

struct Scene {
    caches: Caches,
    cache: Cache<u64>,
    source: [AtomicU64; KEYS],
    /// The least that a read may see that begins now.
    floors: [AtomicU64; KEYS],
}

/// What takes its time, takes so long.
fn takes(random: &mut Rng) -> Duration {
    Duration::from_millis(random.u64(0..4))
}

impl Scene {
    fn new(chain: &[&'static str], random: &mut Rng) -> Arc<Self> {
        let odd = Odd::new();
        let paces = Mutex::new(random.fork());
        odd.script(move |_, _| Act::Slow(takes(&mut paces.lock().unwrap())));
        let caches = odd.caches_within(Duration::from_secs(60));
        let cache = caches
            .cache("storm")
            .backend(chain.iter().copied())
            .strategy(Strategy::WriteBehind)
            .build()
            .unwrap();
        Arc::new(Self {
            caches,
            cache,
            source: Default::default(),
            floors: Default::default(),
        })
    }

    /// The only one who writes `key`, so that what it writes is ever newer.
    async fn writes(self: Arc<Self>, key: usize, mut random: Rng) {
        for version in 1..=STEPS as u64 {
            let (scene, takes) = (Arc::clone(&self), takes(&mut random));
            let mut fails = random.u8(0..10) == 0;
            let body = move || {
                let (scene, fails) = (Arc::clone(&scene), std::mem::take(&mut fails));
                async move {
                    sleep(takes).await;
                    if fails {
                        return Err("the source is busy");
                    }
                    scene.source[key].store(version, SeqCst);
                    sleep(takes).await;
                    Ok(())
                }
            };
            let entry = self.cache.entry(key);
            entry.write_behind(version, body).await.unwrap().unwrap();
            self.floors[key].store(version, SeqCst);
            sleep(Duration::from_millis(random.u64(0..30))).await;
        }
    }

    async fn removes(self: Arc<Self>, mut random: Rng) {
        for _ in 0..STEPS {
            match random.u8(0..4) {
                0 => self.cache.clear().await.unwrap(),
                1 => self.caches.clear().await.unwrap(),
                _ => {
                    let entry = self.cache.entry(random.usize(0..KEYS));
                    entry.invalidate().await.unwrap();
                }
            }
            sleep(takes(&mut random)).await;
        }
    }

    async fn reads(self: Arc<Self>, mut random: Rng) {
        for _ in 0..10 * STEPS {
            self.read(&mut random).await;
            sleep(takes(&mut random)).await;
        }
    }

    async fn read(&self, random: &mut Rng) {
        let (key, takes) = (random.usize(0..KEYS), takes(random));
        let other = (key + 1) % KEYS;
        let load_many = async |keys: Vec<usize>| {
            sleep(takes).await;
            let rows = keys.into_iter().map(|key| (key, self.source[key].load(SeqCst)));
            let rows: HashMap<usize, u64> = rows.collect();
            sleep(takes).await;
            rows
        };
        let load = async || load_many(vec![key]).await[&key];
        let (cache, entry) = (&self.cache, self.cache.entry(key));
        let floor = self.floors[key].load(SeqCst);
        let how = random.u8(0..8);
        let seen = match how {
            0 => entry.get().await.unwrap(),
            1 => cache.get_many([other, key]).await.unwrap()[1],
            2 => cache.get_or_load_many([other, key], load_many).await.unwrap()[1],
            3 => Some(with_mode(Mode::Refresh, entry.get_or_load(load)).await.unwrap()),
            4 => {
                let patience = Duration::from_millis(2);
                let got = timeout(patience, entry.get_or_load(load)).await;
                got.ok().map(Result::unwrap)
            }
            _ => Some(entry.get_or_load(load).await.unwrap()),
        };
        assert!(
            seen.is_none_or(|seen| seen >= floor),
            "key {key} was read as {seen:?} in way {how} after {floor} was written"
        );
    }
}

async fn storm(chain: &[&'static str], random: &mut Rng) {
    let scene = Scene::new(chain, random);
    let mut tasks = Vec::new();
    for key in 0..KEYS {
        tasks.push(tokio::spawn(Arc::clone(&scene).writes(key, random.fork())));
    }
    for _ in 0..READERS {
        tasks.push(tokio::spawn(Arc::clone(&scene).reads(random.fork())));
    }
    tasks.push(tokio::spawn(Arc::clone(&scene).removes(random.fork())));
    for task in tasks {
        task.await.unwrap();
    }
    scene.caches.settle().await;
    for (key, source) in scene.source.iter().enumerate() {
        assert_eq!(source.load(SeqCst), STEPS as u64);
        let kept = scene.cache.entry(key).get().await.unwrap();
        assert!(
            kept.is_none_or(|kept| kept == STEPS as u64),
            "{kept:?} is kept for {key}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_read_is_older_than_a_write_that_has_returned() {
    let seed = cached_tests::seed();
    let mut random = Rng::with_seed(seed);
    // What the library leaves to chance.
    fastrand::seed(seed);
    for chain in [&["local"][..], &["moka"], &["odd"], &["local", "odd"]] {
        println!("{chain:?}");
        storm(chain, &mut random).await;
    }
}

//! Laws under concurrency: many tasks at once, calls that are dropped, and loads that race invalidations.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use super::bench::{Bench, MINUTE, law};
use super::{Case, Needs};
use crate::{BoxFuture, Error, Lookup, Store};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "at_once",
        law: "calls from many tasks at once get the answers that are theirs",
        needs: Needs::Nothing,
        test: |bench| Box::pin(at_once(bench)),
    },
    Case {
        name: "dropped_calls",
        law: "a call may be dropped at any await, and those after it are served",
        needs: Needs::Nothing,
        test: |bench| Box::pin(dropped_calls(bench)),
    },
    Case {
        name: "race",
        law: "whatever loads race it, a look-up after an invalidation never finds what was loaded before it",
        needs: Needs::Tokens,
        test: |bench| Box::pin(race(bench)),
    },
];

async fn at_once(bench: &Bench) -> Check {
    let mut tasks = JoinSet::new();
    for number in 0..64_u32 {
        let (store, key) = (Arc::clone(&bench.store), bench.key(&number.to_string()));
        tasks.spawn(async move {
            for round in 0..20_u32 {
                let value = [number.to_be_bytes(), round.to_be_bytes()].concat();
                store.put(&key, &value, MINUTE).await?;
                yield_now().await;
                match store.get(&key).await? {
                    Lookup::Found(found) if found.bytes == value => {}
                    answer => {
                        return Ok(Err(format!(
                            "task {number} put {value:?} and then got {answer:?}"
                        )));
                    }
                }
            }
            Ok::<Check, Error>(Ok(()))
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|panic| panic.to_string())?
            .map_err(|error| format!("a call failed: {error:?}"))??;
    }
    Ok(())
}

/// Polls `call` so many times at most, then drops it.
async fn abandon<T>(mut call: BoxFuture<'_, T>, polls: u32) {
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(call.as_mut().poll(context)))
            .await
            .is_ready()
        {
            return;
        }
        yield_now().await;
    }
}

async fn dropped_calls(bench: &Bench) -> Check {
    let (key, after) = (bench.key("dropped"), bench.key("after"));
    let keys = [key.clone()];
    let (store, pattern) = (&bench.store, bench.pattern("dropped*"));
    for polls in 0..6 {
        abandon(store.get(&key), polls).await;
        abandon(store.reserve(&key), polls).await;
        abandon(store.put(&key, b"dropped", MINUTE), polls).await;
        abandon(store.remaining(&key), polls).await;
        abandon(store.remove(&keys), polls).await;
        abandon(store.remove_matching(&pattern, &|_| true), polls).await;
        abandon(store.ping(), polls).await;
        let token = bench.reserve(&key).await?;
        abandon(store.fill(&key, b"dropped", MINUTE, &token), polls).await;
        // Under another key, since what was dropped may still be carried out.
        bench.put(&after, b"kept", MINUTE).await?;
        bench.holds(&after, b"kept").await?;
    }
    Ok(())
}

/// One key, the source it copies, and what may no longer be served.
struct Track {
    store: Arc<dyn Store>,
    key: String,
    /// The source: a number that only grows.
    source: AtomicU64,
    /// The newest number whose invalidation has returned.
    floor: AtomicU64,
    over: AtomicBool,
}

const LOADERS: u64 = 6;
const LONGEST: Duration = Duration::from_secs(2);

async fn race(bench: &Bench) -> Check {
    let seed = fastrand::u64(..);
    let patterns = bench.store.guarantees().patterns;
    let mut tasks = JoinSet::new();
    for lane in 0..2_u64 {
        let track = Arc::new(Track {
            store: Arc::clone(&bench.store),
            key: bench.key(&format!("lane:{lane}")),
            source: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let dice = |task: u64| fastrand::Rng::with_seed(seed ^ (lane * 100 + task));
        tasks.spawn(invalidate(Arc::clone(&track), dice(0), patterns));
        for loader in 1..=LOADERS {
            tasks.spawn(load(Arc::clone(&track), dice(loader)));
        }
    }
    let mut broken = Ok(());
    while let Some(done) = tasks.join_next().await {
        let outcome = done.map_err(|panic| panic.to_string())?;
        broken = broken.and(outcome.map_err(|why| format!("{why} (seed {seed})")));
    }
    broken
}

/// Changes the source, invalidates in one of the ways there are, and only then moves the floor.
async fn invalidate(track: Arc<Track>, mut dice: fastrand::Rng, patterns: bool) -> Check {
    let begun = Instant::now();
    let mut outcome = Ok(());
    for _ in 0..400 {
        let now = track.source.fetch_add(1, SeqCst) + 1;
        let store = &track.store;
        let done = match dice.u8(0..16) {
            0 if patterns => store.remove_matching(&track.key, &|_| true).await.map(|_| ()),
            1..4 => store.put(&track.key, &now.to_be_bytes(), MINUTE).await,
            _ => store.remove(std::slice::from_ref(&track.key)).await,
        };
        if let Err(error) = done {
            outcome = Err(format!("an invalidation failed: {error:?}"));
            break;
        }
        track.floor.store(now, SeqCst);
        pause(&mut dice).await;
        if begun.elapsed() > LONGEST {
            break;
        }
    }
    track.over.store(true, SeqCst);
    outcome
}

/// Looks up and loads as a tier does, with pauses wherever another task may come between.
async fn load(track: Arc<Track>, mut dice: fastrand::Rng) -> Check {
    while !track.over.load(SeqCst) {
        let floor = track.floor.load(SeqCst);
        let token = if dice.u8(0..8) == 0 {
            track
                .store
                .reserve(&track.key)
                .await
                .map_err(|error| format!("a reservation failed: {error:?}"))?
        } else {
            match track
                .store
                .get(&track.key)
                .await
                .map_err(|error| format!("a look-up failed: {error:?}"))?
            {
                Lookup::Missing(token) => token,
                Lookup::Found(found) => {
                    let bytes = found.bytes.as_slice().try_into().unwrap_or([0xFF; 8]);
                    let value = u64::from_be_bytes(bytes);
                    law!(
                        value >= floor,
                        "a look-up that began after invalidation {floor} had returned found what was loaded at {value}"
                    );
                    pause(&mut dice).await;
                    continue;
                }
            }
        };
        pause(&mut dice).await;
        let loaded = track.source.load(SeqCst).to_be_bytes();
        pause(&mut dice).await;
        let filled = track.store.fill(&track.key, &loaded, MINUTE, &token).await;
        filled.map_err(|error| format!("a fill failed: {error:?}"))?;
    }
    Ok(())
}

async fn pause(dice: &mut fastrand::Rng) {
    match dice.u8(0..8) {
        0 => sleep(Duration::from_micros(dice.u64(0..2_000))).await,
        1..5 => yield_now().await,
        _ => {}
    }
}

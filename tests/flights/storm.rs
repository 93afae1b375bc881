//! Everything at once, by chance: callers that give up, bodies that panic, fail or take their time, on several threads.
//! `CACHED_SEED` repeats a run.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Caches, cache};
use tokio::time::sleep;

use crate::crowd::{AT_ONCE, Source, caches, crowd, ends, fall_over};

const KEYS: usize = 5;
const CALLERS: usize = 2_000;

#[derive(Debug)]
struct Opaque;

/// What a run is to do.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answer,
    Fail,
    Panic,
}

/// One caller's part.
#[derive(Debug, Clone, Copy)]
struct Part {
    caller: usize,
    fate: Fate,
    takes: Duration,
}

/// Its callers cannot share an error.
#[cache(backend = "local", skip(source, part))]
async fn alone(source: &Source, part: Part, id: usize) -> Result<usize, Opaque> {
    body(source, part, id).await.map_err(|()| Opaque)
}

/// Its callers can.
#[cache(backend = "local", skip(source, part))]
async fn together(source: &Source, part: Part, id: usize) -> Result<usize, ()> {
    body(source, part, id).await
}

/// Never kept.
#[cache(backend = "local", cache_if = |_| false, skip(source, part))]
async fn fleeting(source: &Source, part: Part, id: usize) -> Result<usize, Opaque> {
    body(source, part, id).await.map_err(|()| Opaque)
}

async fn body(source: &Source, part: Part, id: usize) -> Result<usize, ()> {
    source
        .run(part.caller, |_| async move {
            sleep(part.takes).await;
            match part.fate {
                Fate::Answer => Ok(id),
                Fate::Fail => Err(()),
                Fate::Panic => fall_over(),
            }
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_stays_is_answered() {
    let mut random = fastrand::Rng::with_seed(cached_tests::seed());
    for _ in 0..20 {
        round(&mut random).await;
    }
}

async fn round(random: &mut fastrand::Rng) {
    let caches = caches();
    let sources: Arc<Vec<Source>> = Arc::new((0..3 * KEYS).map(|_| Source::default()).collect());
    let (panics, fails) = (random.u8(0..100), random.u8(0..100));
    let calls = crowd(&caches, CALLERS, |caller| {
        let sources = Arc::clone(&sources);
        let part = Part {
            caller,
            fate: match random.u8(0..100) {
                chance if chance < panics => Fate::Panic,
                _ if random.u8(0..100) < fails => Fate::Fail,
                _ => Fate::Answer,
            },
            takes: Duration::from_micros(random.u64(0..1_000)),
        };
        let (before, place) = (random.u64(0..20), random.usize(0..3 * KEYS));
        let patience = Duration::from_millis(random.u64(0..10));
        let gives_up = random.u8(0..10) == 0;
        async move {
            sleep(Duration::from_millis(before)).await;
            let (source, id) = (&sources[place], place % KEYS);
            let call = async {
                match place / KEYS {
                    0 => alone(source, part, id).await.map_err(drop),
                    1 => together(source, part, id).await,
                    _ => fleeting(source, part, id).await.map_err(drop),
                }
            };
            let patience = if gives_up {
                patience
            } else {
                Duration::from_secs(3600)
            };
            if let Ok(Ok(value)) = tokio::time::timeout(patience, call).await {
                assert_eq!(value, id);
            }
        }
    });
    let ends = ends(calls).await;
    assert_eq!(ends.answers.len() + ends.panicked.len(), CALLERS);
    for (place, source) in sources.iter().enumerate() {
        assert_eq!(source.running(), 0);
        // Where an answer is kept or is none, no flight begins while runs of the one before go on.
        if place < KEYS {
            assert!(
                source.most() <= AT_ONCE,
                "{} runs at once of key {place}",
                source.most()
            );
        }
    }
    works_at_once(&caches, &sources).await;
}

/// Whatever happened, each key answers the next caller, by one run or from memory.
async fn works_at_once(caches: &Caches, sources: &[Source]) {
    let part = Part {
        caller: 0,
        fate: Fate::Answer,
        takes: Duration::ZERO,
    };
    for (place, source) in sources.iter().enumerate() {
        let (before, id) = (source.begun(), place % KEYS);
        let answer = caches
            .scope(async {
                match place / KEYS {
                    0 => alone(source, part, id).await.map_err(drop),
                    1 => together(source, part, id).await,
                    _ => fleeting(source, part, id).await.map_err(drop),
                }
            })
            .await;
        assert_eq!(answer, Ok(id));
        assert!(source.begun() <= before + 1);
    }
}

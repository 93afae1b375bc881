//! However many callers miss together, the body runs once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::cache;
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

use crate::crowd::{BODY, CALLERS, Source, caches, crowd, ends};

#[cache(backend = "local", skip(source, caller))]
async fn double(source: &Source, caller: usize, id: u64) -> u64 {
    source
        .run(caller, |_| async move {
            sleep(BODY).await;
            id * 2
        })
        .await
}

#[cache(backend = "local", none_ttl = "1m", skip(source))]
async fn nothing(source: &Source, id: u64) -> Result<Option<u64>, String> {
    source
        .run(0, |_| async move {
            sleep(BODY).await;
            let _ = id;
            Ok(None)
        })
        .await
}

#[cache(backend = "local", cache_if = |_| false, skip(source))]
async fn fleeting(source: &Source, id: u64) -> u64 {
    source
        .run(0, |_| async move {
            sleep(BODY).await;
            id * 2
        })
        .await
}

#[cache(backend = "local", skip(source))]
async fn unkept(source: &Source, id: u64) -> Option<u64> {
    source
        .run(0, |_| async move {
            sleep(BODY).await;
            let _ = id;
            None
        })
        .await
}

/// Time stands still until every caller waits.
#[tokio::test(start_paused = true)]
async fn ten_thousand_waiting_callers_are_served_by_one_run() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let begun = Instant::now();
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, 21).await }
    });
    let ends = ends(calls).await;
    assert_eq!(ends.answers, vec![42; CALLERS]);
    assert_eq!((source.begun(), source.who()), (1, vec![0]));
    assert_eq!(begun.elapsed(), BODY);
    caches
        .scope(async {
            assert_eq!(double(&source, 0, 21).await, 42);
            let stats = double_cache().stats();
            assert_eq!((stats.loads, stats.hits, stats.entries), (1, 1, 1));
            assert_eq!(stats.misses, CALLERS as u64);
        })
        .await;
    assert_eq!(source.begun(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_on_several_threads_are_served_by_one_run() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let start = Arc::new(Barrier::new(CALLERS));
    let calls = crowd(&caches, CALLERS, |caller| {
        let (source, start) = (Arc::clone(&source), Arc::clone(&start));
        async move {
            start.wait().await;
            double(&source, caller, 21).await
        }
    });
    assert_eq!(ends(calls).await.answers, vec![42; CALLERS]);
    assert_eq!(source.begun(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_has_a_run_of_its_own() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, caller as u64 % 100).await }
    });
    let answers = ends(calls).await.answers;
    assert!(
        (0..)
            .zip(&answers)
            .all(|(caller, &answer)| answer == caller % 100 * 2)
    );
    assert_eq!(source.begun(), 100);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_kept_serves_those_who_waited_and_nobody_else() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    for round in 1..=3 {
        let calls = crowd(&caches, CALLERS, |_| {
            let source = Arc::clone(&source);
            async move { (fleeting(&source, 21).await, unkept(&source, 21).await) }
        });
        assert_eq!(ends(calls).await.answers, vec![(42, None); CALLERS]);
        assert_eq!(source.begun(), 2 * round);
    }
}

#[tokio::test(start_paused = true)]
async fn that_there_is_none_is_an_answer_too() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    for _ in 0..2 {
        let calls = crowd(&caches, CALLERS, |_| {
            let source = Arc::clone(&source);
            async move { nothing(&source, 1).await }
        });
        assert_eq!(ends(calls).await.answers, vec![Ok(None); CALLERS]);
    }
    assert_eq!(source.begun(), 1);
}

#[cache(backend = "local", skip(gate, finished))]
async fn gated(gate: &tokio::sync::Semaphore, finished: &AtomicBool, id: u64) -> u64 {
    let _ = gate.acquire().await;
    finished.store(true, SeqCst);
    id
}

/// The run belongs to the flight, not to whoever waits: a follower that gives up takes nothing away.
#[tokio::test(start_paused = true)]
async fn a_follower_that_gives_up_disturbs_nobody() {
    let caches = caches();
    let shared = Arc::new((tokio::sync::Semaphore::new(0), AtomicBool::new(false)));
    let calls = crowd(&caches, 100, |_| {
        let shared = Arc::clone(&shared);
        async move { gated(&shared.0, &shared.1, 5).await }
    });
    sleep(Duration::from_millis(1)).await;
    calls[1..99].iter().for_each(tokio::task::JoinHandle::abort);
    sleep(Duration::from_millis(1)).await;
    assert!(!shared.1.load(SeqCst));
    shared.0.add_permits(1);
    let ends = ends(calls).await;
    assert_eq!((ends.answers, ends.aborted.len()), (vec![5, 5], 98));
}

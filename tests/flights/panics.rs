//! A leader that panics panics alone.

use std::sync::Arc;

use cached_runtime::cache;
use tokio::time::{Instant, sleep};

use crate::crowd::{AT_ONCE, BODY, CALLERS, Source, caches, crowd, ends, fall_over};

/// Panics in its first `bad` runs.
#[cache(backend = "local", skip(source, bad, caller))]
async fn frail(source: &Source, bad: usize, caller: usize, id: u64) -> u64 {
    source
        .run(caller, |run| async move {
            sleep(BODY).await;
            if run <= bad {
                fall_over();
            }
            id * 2
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_sees_its_panic() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let begun = Instant::now();
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { frail(&source, 1, caller, 21).await }
    });
    let ends = ends(calls).await;
    assert_eq!(ends.answers, vec![42; CALLERS - 1]);
    assert_eq!(ends.panicked, [0]);
    assert_eq!((source.begun(), source.completed()), (2, 1));
    assert_eq!(begun.elapsed(), 2 * BODY);
    let stats = caches.scope(async { frail_cache().stats() }).await;
    assert_eq!((stats.loads, stats.failed_loads), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_second_panic_in_a_row_the_followers_run_by_themselves() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { frail(&source, 2, caller, 21).await }
    });
    let ends = ends(calls).await;
    assert_eq!(ends.answers, vec![42; CALLERS - 2]);
    assert_eq!(ends.panicked.len(), 2);
    assert_eq!(source.most(), AT_ONCE);
    assert!(source.completed() <= AT_ONCE);
}

#[cache(backend = "local", skip(source, caller))]
async fn hopeless(source: &Source, caller: usize, id: u64) -> u64 {
    source
        .run(caller, |run| async move {
            sleep(BODY).await;
            if run <= CALLERS {
                fall_over();
            }
            id
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_body_that_always_panics_answers_everybody_in_time() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { hopeless(&source, caller, 7).await }
    });
    let ends = ends(calls).await;
    assert_eq!(ends.panicked.len(), CALLERS);
    assert_eq!((source.begun(), source.most()), (CALLERS, AT_ONCE));
    // The key works at once.
    let begun = Instant::now();
    assert_eq!(caches.scope(hopeless(&source, 0, 7)).await, 7);
    assert_eq!(begun.elapsed(), BODY);
}

/// The clone that a follower gets is the user's code as well.
#[derive(Debug)]
struct Brittle(u64);

impl Clone for Brittle {
    fn clone(&self) -> Self {
        if self.0 == 13 {
            fall_over();
        }
        Self(self.0)
    }
}

#[cache(backend = "local", skip(source, caller))]
async fn brittle(source: &Source, caller: usize, id: u64) -> Brittle {
    source
        .run(caller, |_| async move {
            sleep(BODY).await;
            Brittle(id)
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_panics_leaves_nobody_waiting() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, 1_000, |caller| {
        let source = Arc::clone(&source);
        async move { brittle(&source, caller, 13).await.0 }
    });
    assert_eq!(ends(calls).await.panicked.len(), 1_000);
    assert!(source.most() <= AT_ONCE);
    assert_eq!(caches.scope(brittle(&source, 0, 14)).await.0, 14);
    assert_eq!(caches.scope(brittle(&source, 0, 14)).await.0, 14);
}

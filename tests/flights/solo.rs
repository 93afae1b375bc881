//! Errors that can be neither cloned nor built: each caller runs, so many at a time, and all are answered in time.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::cache;
use tokio::time::{Instant, sleep};

use crate::crowd::{AT_ONCE, BODY, CALLERS, Source, caches, crowd, ends};

/// Nothing can be made of it but itself.
#[derive(Debug)]
struct Opaque(usize);

/// Fails in its first `bad` runs.
#[cache(backend = "local", skip(source, bad, caller))]
async fn load(source: &Source, bad: usize, caller: usize, id: u64) -> Result<u64, Opaque> {
    source
        .run(caller, |run| async move {
            sleep(BODY).await;
            if run <= bad { Err(Opaque(caller)) } else { Ok(id) }
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn everybody_runs_and_gets_an_error_of_his_own() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let begun = Instant::now();
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { load(&source, CALLERS, caller, 7).await }
    });
    let errors: Vec<usize> = ends(calls)
        .await
        .answers
        .into_iter()
        .map(|answer| answer.unwrap_err().0)
        .collect();
    assert_eq!(errors, (0..CALLERS).collect::<Vec<_>>());
    assert_eq!((source.begun(), source.most()), (CALLERS, AT_ONCE));
    let rounds = u32::try_from((CALLERS - 1).div_ceil(AT_ONCE)).unwrap();
    assert_eq!(begun.elapsed(), BODY * (rounds + 1));
    assert!(begun.elapsed() < Duration::from_secs(20));
    // Nothing is left: the next call loads, alone, and at once.
    let begun = Instant::now();
    assert_eq!(caches.scope(load(&source, CALLERS, 0, 7)).await.unwrap(), 7);
    assert_eq!((source.begun(), begun.elapsed()), (CALLERS + 1, BODY));
}

#[tokio::test(start_paused = true)]
async fn the_first_that_succeeds_serves_the_rest() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { load(&source, 1 + 2 * AT_ONCE, caller, 7).await }
    });
    let answers = ends(calls).await.answers;
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(failed, 1 + 2 * AT_ONCE);
    assert_eq!((source.begun(), source.most()), (1 + 3 * AT_ONCE, AT_ONCE));
    assert!(answers.iter().flatten().all(|&value| value == 7));
}

#[tokio::test(start_paused = true)]
async fn some_of_those_who_run_may_be_dropped() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, 1_000, |caller| {
        let source = Arc::clone(&source);
        async move { load(&source, 1_000, caller, 7).await }
    });
    let mut aborted = 0;
    for _ in 0..5 {
        sleep(BODY + Duration::from_millis(1)).await;
        let who = source.who();
        for caller in who.iter().rev().step_by(3).take(10) {
            calls[*caller].abort();
            aborted += 1;
        }
    }
    let ends = ends(calls).await;
    assert!(
        ends.aborted.len() <= aborted && ends.aborted.len() >= 10,
        "{}",
        ends.aborted.len()
    );
    assert_eq!(ends.answers.len() + ends.aborted.len(), 1_000);
    assert_eq!(source.most(), AT_ONCE);
    assert!(caches.scope(load(&source, 0, 0, 7)).await.is_ok());
}

/// On several threads the bound holds too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_at_once_on_several_threads() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let start = Arc::new(tokio::sync::Barrier::new(2_000));
    let calls = crowd(&caches, 2_000, |caller| {
        let (source, start) = (Arc::clone(&source), Arc::clone(&start));
        async move {
            start.wait().await;
            load(&source, CALLERS, caller, 7).await
        }
    });
    assert_eq!(ends(calls).await.answers.len(), 2_000);
    assert!(source.most() <= AT_ONCE, "{}", source.most());
}

/// Who comes while the last of them run does not begin anew.
#[tokio::test(start_paused = true)]
async fn never_more_at_once_when_others_come_late() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let first = crowd(&caches, AT_ONCE + 1, |caller| {
        let source = Arc::clone(&source);
        // The leader, the first that runs for itself, and those that take long.
        let takes = if caller < 2 { BODY } else { 50 * BODY };
        async move { lasting(&source, caller, takes, 7).await }
    });
    sleep(BODY * 2 + Duration::from_millis(1)).await;
    assert_eq!((source.begun(), source.running()), (AT_ONCE + 1, AT_ONCE - 1));
    let late = crowd(&caches, 1_000, |caller| {
        let source = Arc::clone(&source);
        async move { lasting(&source, caller, Duration::from_millis(1), 7).await }
    });
    let answers = (ends(first).await.answers, ends(late).await.answers);
    assert_eq!((answers.0.len(), answers.1.len()), (AT_ONCE + 1, 1_000));
    assert_eq!(source.most(), AT_ONCE);
}

#[cache(backend = "local", skip(source, caller, takes))]
async fn lasting(source: &Source, caller: usize, takes: Duration, id: u64) -> Result<u64, Opaque> {
    source
        .run(caller, |_| async move {
            sleep(takes).await;
            let _ = id;
            Err(Opaque(caller))
        })
        .await
}

//! Cached functions that call cached functions, and themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cached_runtime::cache;
use tokio::time::sleep;

use crate::crowd::{BODY, CALLERS, Source, caches, crowd, ends};

#[cache(backend = "local", skip(runs))]
async fn fib(runs: &AtomicUsize, n: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    if n < 2 {
        n
    } else {
        fib(runs, n - 1).await + fib(runs, n - 2).await
    }
}

/// The same on either side of other tasks.
#[cache(backend = "local", skip(runs))]
async fn shared_fib(runs: Arc<AtomicUsize>, n: u64) -> Result<u64, String> {
    runs.fetch_add(1, SeqCst);
    if n < 2 {
        return Ok(n);
    }
    tokio::task::yield_now().await;
    Ok(shared_fib(Arc::clone(&runs), n - 1).await? + shared_fib(runs, n - 2).await?)
}

struct Tree {
    runs: AtomicUsize,
}

impl Tree {
    #[cache(backend = "local", skip(self))]
    async fn depth(&self, of: u64) -> u64 {
        self.runs.fetch_add(1, SeqCst);
        if of == 0 { 0 } else { 1 + self.depth(of / 2).await }
    }
}

#[tokio::test]
async fn a_recursion_runs_once_for_each_argument() {
    caches()
        .scope(async {
            let runs = AtomicUsize::new(0);
            assert_eq!(fib(&runs, 80).await, 23_416_728_348_467_685);
            assert_eq!(runs.into_inner(), 81);
            let tree = Tree {
                runs: AtomicUsize::new(0),
            };
            assert_eq!((tree.depth(1_000).await, tree.depth(999).await), (10, 10));
            assert_eq!(tree.runs.into_inner(), 15);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recursions_from_many_tasks_share_their_runs() {
    let (caches, runs) = (caches(), Arc::new(AtomicUsize::new(0)));
    let calls = crowd(&caches, 1_000, |caller| {
        let runs = Arc::clone(&runs);
        async move { shared_fib(runs, 40 + caller as u64 % 10).await }
    });
    let answers = ends(calls).await.answers;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|&value| value >= 102_334_155))
    );
    assert_eq!(runs.load(SeqCst), 50);
}

#[cache(backend = "local", skip(source))]
async fn inner(source: &Source, id: u64) -> u64 {
    source
        .run(0, |_| async move {
            sleep(BODY).await;
            id
        })
        .await
}

#[cache(backend = "local", skip(source))]
async fn outer(source: &Source, a: u64, b: u64) -> (u64, u64) {
    source
        .run(
            0,
            |_| async move { tokio::join!(inner(source, a), inner(source, b)) },
        )
        .await
}

#[tokio::test(start_paused = true)]
async fn a_call_inside_of_a_body_is_a_call() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move {
            match caller % 3 {
                0 => outer(&source, 1, 2).await,
                // In the other order, at the same time: nobody waits in a circle.
                1 => {
                    let (two, one) = outer(&source, 2, 1).await;
                    (one, two)
                }
                _ => (inner(&source, 1).await, inner(&source, 2).await),
            }
        }
    });
    assert_eq!(ends(calls).await.answers, vec![(1, 2); CALLERS]);
    assert_eq!(source.begun(), 4);
}

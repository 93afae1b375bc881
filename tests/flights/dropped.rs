//! Leaders that are dropped: somebody who waits takes over at once, or nothing is left.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use cached_runtime::{Mode, cache, with_mode};
use tokio::time::{Instant, sleep};

use crate::crowd::{AT_ONCE, BODY, CALLERS, Source, caches, crowd, ends};

const EARLY: Duration = Duration::from_millis(10);

#[cache(backend = "local", skip(source, caller))]
async fn double(source: &Source, caller: usize, id: u64) -> u64 {
    source
        .run(caller, |_| async move {
            sleep(BODY).await;
            id * 2
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_dropped_leader_hands_over_at_once() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let begun = Instant::now();
    let calls = crowd(&caches, CALLERS + 1, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, 21).await }
    });
    sleep(EARLY).await;
    assert_eq!(source.who(), [0]);
    calls[0].abort();
    let ends = ends(calls).await;
    assert_eq!(ends.answers, vec![42; CALLERS]);
    assert_eq!(ends.aborted, [0]);
    assert_eq!((source.begun(), source.completed()), (2, 1));
    assert_eq!(begun.elapsed(), EARLY + BODY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_leader_hands_over_on_several_threads() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS + 1, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, 21).await }
    });
    while source.begun() == 0 {
        tokio::task::yield_now().await;
    }
    let leader = source.who()[0];
    calls[leader].abort();
    let ends = ends(calls).await;
    assert!(ends.answers.len() >= CALLERS);
    assert!(ends.answers.iter().all(|&answer| answer == 42));
    assert_eq!(source.completed(), 1);
}

/// Waiting for a third leader would help nobody: everybody runs, so many at a time, until one has the answer.
#[tokio::test(start_paused = true)]
async fn when_the_next_leader_is_dropped_too_the_followers_run_by_themselves() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, CALLERS + 2, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, 21).await }
    });
    for leaders in 1..=2 {
        sleep(EARLY).await;
        let who = source.who();
        assert_eq!(who.len(), leaders);
        calls[who[leaders - 1]].abort();
    }
    let begun = Instant::now();
    let ends = ends(calls).await;
    assert_eq!((ends.answers, ends.aborted.len()), (vec![42; CALLERS], 2));
    assert_eq!(source.most(), AT_ONCE);
    assert_eq!(begun.elapsed(), BODY);
    // The first of them has served the others; those that were under way with it may have finished.
    assert!(source.completed() <= AT_ONCE, "{}", source.completed());
}

/// The turn has been offered, and nobody has taken it up.
#[tokio::test(start_paused = true)]
async fn a_turn_that_was_offered_to_a_dropped_follower_passes_on() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, 100, |caller| {
        let source = Arc::clone(&source);
        async move { double(&source, caller, 21).await }
    });
    sleep(EARLY).await;
    // In this order all of them are ended before any that was woken is run.
    calls[..99].iter().for_each(tokio::task::JoinHandle::abort);
    let ends = ends(calls).await;
    assert_eq!((ends.answers, ends.aborted.len()), (vec![42], 99));
    assert_eq!(source.completed(), 1);
    assert!(source.most() <= AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_everybody_has_left_works_at_once() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    for round in 0..3 {
        let calls = crowd(&caches, 1_000, |caller| {
            let source = Arc::clone(&source);
            async move { double(&source, caller, 21).await }
        });
        sleep(EARLY).await;
        // From the front, from the back, and the leader last.
        match round {
            0 => calls.iter().for_each(tokio::task::JoinHandle::abort),
            1 => calls.iter().rev().for_each(tokio::task::JoinHandle::abort),
            _ => {
                calls[1..].iter().for_each(tokio::task::JoinHandle::abort);
                sleep(EARLY).await;
                calls[0].abort();
            }
        }
        assert_eq!(ends(calls).await.aborted.len(), 1_000);
        assert_eq!(source.completed(), 0);
        assert_eq!(source.running(), 0);
    }
    let (before, begun) = (source.begun(), Instant::now());
    assert_eq!(caches.scope(double(&source, 0, 21)).await, 42);
    assert_eq!((source.begun() - before, source.completed()), (1, 1));
    assert_eq!(begun.elapsed(), BODY);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_nobody_waits_for_leaves_nothing() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    for _ in 0..3 {
        let call = caches.scope(double(&source, 0, 21));
        assert!(tokio::time::timeout(EARLY, call).await.is_err());
    }
    assert_eq!((source.begun(), source.completed()), (3, 0));
    assert_eq!(caches.scope(double(&source, 0, 21)).await, 42);
}

/// What does not share does not take over either.
#[tokio::test(start_paused = true)]
async fn a_load_that_replaces_runs_beside_the_flight() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, 10, |caller| {
        let source = Arc::clone(&source);
        async move {
            if caller == 0 {
                with_mode(Mode::Refresh, double(&source, caller, 21)).await
            } else {
                double(&source, caller, 21).await
            }
        }
    });
    sleep(EARLY).await;
    calls[0].abort();
    let ends = ends(calls).await;
    assert_eq!((ends.answers, ends.aborted), (vec![42; 9], vec![0]));
    assert_eq!((source.begun(), source.completed()), (2, 1));
}

/// Notes whether something is still held when it is woken.
struct Looks {
    held: AtomicBool,
    at_wake: Mutex<Vec<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        self.at_wake.lock().unwrap().push(self.held.load(SeqCst));
    }
}

/// As a connection, of which there may be one.
struct Holds<'a>(&'a AtomicBool);

impl Drop for Holds<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

#[cache(backend = "local", skip(held))]
async fn holding(held: &AtomicBool, id: u64) -> u64 {
    held.store(true, SeqCst);
    let _holds = Holds(held);
    std::future::pending::<()>().await;
    id
}

/// Who takes over finds all that the one before had.
#[test]
fn a_dropped_body_is_gone_before_the_next_is_asked_for() {
    let (caches, looks) = (
        caches(),
        Arc::new(Looks {
            held: AtomicBool::new(false),
            at_wake: Mutex::default(),
        }),
    );
    let waker = Waker::from(Arc::clone(&looks));
    let mut context = Context::from_waker(&waker);
    let mut leader = Box::pin(caches.scope(holding(&looks.held, 1)));
    let mut follower = Box::pin(caches.scope(holding(&looks.held, 1)));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    assert!(follower.as_mut().poll(&mut context).is_pending());
    assert!(looks.held.load(SeqCst));
    drop(leader);
    assert_eq!(*looks.at_wake.lock().unwrap(), [false]);
}

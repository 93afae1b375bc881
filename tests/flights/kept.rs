//! Calls that are kept and not polled, as a `select!` that goes on without one or a stream whose consumer is busy keeps
//! them: nobody waits for them for long.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use cached_runtime::cache;
use tokio::sync::Notify;

use crate::crowd::{Source, caches, crowd, ends};

/// The leader waits for what somebody else does, and the others do not.
#[cache(backend = "local", skip(source, caller, go))]
async fn get(source: &Source, caller: usize, go: &Notify, id: u64) -> u64 {
    let led = |_| async move {
        if caller == 0 {
            go.notified().await;
        }
        id * 2 + caller as u64
    };
    source.run(caller, led).await
}

#[cache(entries(get(id) for id in ids), skip(source, caller, go))]
async fn get_many(source: &Source, caller: usize, go: &Notify, ids: &[u64]) -> HashMap<u64, u64> {
    let led = |_| async move {
        if caller == 0 {
            go.notified().await;
        }
        ids.iter().map(|id| (*id, id * 2 + caller as u64)).collect()
    };
    source.run(caller, led).await
}

/// Ready when it is polled for the third time, and wakes nobody.
async fn third_poll() {
    let mut polls = 0;
    poll_fn(|_| {
        polls += 1;
        if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

#[cache(backend = "local", skip(source))]
async fn slow(source: &Source, id: u64) -> u64 {
    source.run(0, |_| third_poll()).await;
    id
}

#[cache(entries(slow(id) for id in ids), skip(source))]
async fn slow_many(source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    source.run(0, |_| third_poll()).await;
    ids.iter().map(|id| (*id, *id)).collect()
}

/// Polls it once.
async fn begin<F: Future>(mut call: Pin<&mut F>) {
    let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
    assert!(begun, "it has something to wait for");
}

/// Fails where somebody waits for what does not come.
async fn soon<F: Future>(work: F) -> F::Output {
    let in_time = tokio::time::timeout(Duration::from_secs(60), work).await;
    in_time.expect("it waits for what it must not wait for")
}

/// So long whoever waits waits at most, and some more on a machine that is busy.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn nobody_waits_for_long_for_a_call_that_is_not_polled() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut kept = pin!(get(&source, 0, &go, 1));
        begin(kept.as_mut()).await;
        let begun = Instant::now();
        assert_eq!(get(&source, 1, &go, 1).await, 3);
        assert!(begun.elapsed() <= SOON, "{:?}", begun.elapsed());
        // A hit from then on, and the one that was kept returns what its own body does.
        assert_eq!(get(&source, 2, &go, 1).await, 3);
        go.notify_one();
        assert_eq!(kept.await, 2);
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 1]);
}

/// Ten thousand others are answered by the one that took over.
#[tokio::test]
async fn the_others_share_the_load_of_one_of_them() {
    let (caches, source, go) = (caches(), Arc::new(Source::default()), Arc::new(Notify::new()));
    let mut kept = pin!(caches.scope(get(&source, 0, &go, 1)));
    begin(kept.as_mut()).await;
    let others = crowd(&caches, 10_000, |caller| {
        let (source, go) = (Arc::clone(&source), Arc::clone(&go));
        async move { get(&source, caller + 1, &go, 1).await }
    });
    let answers = ends(others).await.answers;
    assert_eq!(answers.len(), 10_000);
    assert_eq!(source.begun(), 2);
    let second = source.who()[1] as u64;
    assert!(answers.iter().all(|&answer| answer == 2 + second));
    go.notify_one();
    assert_eq!(kept.await, 2);
}

/// What it waits for wakes nobody. It is polled all the same, while somebody waits for it, and runs once.
#[tokio::test]
async fn a_load_that_is_polled_is_waited_for_however_slow() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let calls = crowd(&caches, 10, |_| {
        let source = Arc::clone(&source);
        async move { slow(&source, 1).await }
    });
    assert_eq!(ends(calls).await.answers, [1; 10]);
    assert_eq!(source.begun(), 1);
}

#[tokio::test]
async fn so_is_a_batch() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let batch = crowd(&caches, 1, |_| {
        let source = Arc::clone(&source);
        async move { slow_many(&source, &[1, 2]).await }
    });
    let singles = crowd(&caches, 10, |_| {
        let source = Arc::clone(&source);
        async move { slow(&source, 1).await }
    });
    assert_eq!(ends(singles).await.answers, [1; 10]);
    assert_eq!(ends(batch).await.answers.len(), 1);
    assert_eq!(source.begun(), 1);
}

/// As a runtime whose `block_on` has returned.
#[test]
fn nobody_waits_for_a_runtime_that_stands_still() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (still, running) = (runtime(), runtime());
    let (caches, source, go) = (caches(), Arc::new(Source::default()), Arc::new(Notify::new()));
    let call = |caller| {
        let (caches, source, go) = (caches.clone(), Arc::clone(&source), Arc::clone(&go));
        async move { caches.scope(get(&source, caller, &go, 1)).await }
    };
    let kept = still.spawn(call(0));
    still.block_on(tokio::task::yield_now());
    assert_eq!(source.who(), [0]);
    assert_eq!(running.block_on(async { soon(call(1)).await }), 3);
    go.notify_one();
    assert_eq!(still.block_on(kept).unwrap(), 2);
}

/// Its clock is nobody's business, and who waits may have none at all.
#[test]
fn so_it_is_without_timers_and_with_a_clock_that_is_paused() {
    for paused in [false, true] {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        if paused {
            builder.enable_time().start_paused(true);
        }
        let (source, go) = (Source::default(), Notify::new());
        let work = async {
            let mut kept = pin!(get(&source, 0, &go, 1));
            begin(kept.as_mut()).await;
            assert_eq!(get(&source, 1, &go, 1).await, 3);
        };
        let before = Instant::now();
        builder.build().unwrap().block_on(caches().scope(work));
        assert!(before.elapsed() < SOON);
    }
}

#[tokio::test]
async fn a_batch_that_is_not_polled_is_not_waited_for() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut kept = pin!(get_many(&source, 0, &go, &[1, 2, 3]));
        begin(kept.as_mut()).await;
        assert_eq!(get(&source, 1, &go, 1).await, 3);
        let others = get_many(&source, 2, &go, &[3, 2, 1]).await;
        assert_eq!(others, HashMap::from([(1, 3), (2, 6), (3, 8)]));
        go.notify_one();
        assert_eq!(kept.await, HashMap::from([(1, 2), (2, 4), (3, 6)]));
        assert_eq!(get(&source, 3, &go, 2).await, 6);
    };
    soon(caches().scope(work)).await;
    // What the second batch takes over it may take over in two steps.
    let mut who = source.who();
    who.dedup();
    assert_eq!(who, [0, 1, 2]);
}

/// It was its turn to lead, and it is not polled any more.
#[tokio::test]
async fn a_follower_that_is_not_polled_keeps_no_turn() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut kept = Box::pin(get(&source, 0, &go, 1));
        begin(kept.as_mut()).await;
        let mut follower = pin!(get(&source, 1, &go, 1));
        begin(follower.as_mut()).await;
        let last = get(&source, 2, &go, 1);
        let (_, last) = tokio::join!(async { drop(kept) }, last);
        assert_eq!(last, 4);
        assert_eq!(follower.await, 4);
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 2]);
}

/// After two of them the others run for themselves, as after two that were dropped.
#[tokio::test]
async fn of_two_that_are_not_polled_neither_is_waited_for() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut first = pin!(get(&source, 0, &go, 1));
        begin(first.as_mut()).await;
        let mut second = pin!(get(&source, 0, &go, 1));
        begin(second.as_mut()).await;
        poll_fn(|context| {
            assert!(second.as_mut().poll(context).is_pending());
            if source.begun() < 2 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        assert_eq!(get(&source, 1, &go, 1).await, 3);
        go.notify_waiters();
        assert_eq!((first.await, second.await), (2, 2));
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 0, 1]);
}

//! Calls that are kept and not polled, as a `select!` that goes on without one or a stream whose consumer is busy keeps
//! them: nobody waits for them for long.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::{Caches, cache};
use cached_tests::seed;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

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

#[cache(backend = "local", skip(source, takes))]
async fn slow(source: &Source, takes: Duration, id: u64) -> u64 {
    source
        .run(0, |_| async move {
            sleep(takes).await;
            id
        })
        .await
}

/// Polls it once.
async fn begin<F: Future>(mut call: Pin<&mut F>) {
    let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
    assert!(begun, "it has something to wait for");
}

/// Fails where somebody waits for what does not come, which takes no time while time is paused.
async fn soon<F: Future>(work: F) -> F::Output {
    let in_time = tokio::time::timeout(Duration::from_secs(20), work).await;
    in_time.expect("it waits for what it must not wait for")
}

/// At most so long somebody waits for a call that is not polled.
const SOON: Duration = Duration::from_millis(1_500);

#[tokio::test(start_paused = true)]
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
#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn a_load_that_is_polled_is_waited_for_however_slow() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let takes = Duration::from_secs(15);
    let begun = Instant::now();
    let calls = crowd(&caches, 10, |_| {
        let source = Arc::clone(&source);
        async move { slow(&source, takes, 1).await }
    });
    assert_eq!(ends(calls).await.answers, [1; 10]);
    assert_eq!((source.begun(), begun.elapsed()), (1, takes));
}

#[cache(entries(slow(id) for id in ids), skip(source, takes))]
async fn slow_many(source: &Source, takes: Duration, ids: &[u64]) -> HashMap<u64, u64> {
    source
        .run(0, |_| async move {
            sleep(takes).await;
            ids.iter().map(|id| (*id, *id)).collect()
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn so_is_a_batch() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let takes = Duration::from_secs(15);
    let begun = Instant::now();
    let batch = crowd(&caches, 1, |_| {
        let source = Arc::clone(&source);
        async move { slow_many(&source, takes, &[1, 2]).await }
    });
    let singles = crowd(&caches, 10, |_| {
        let source = Arc::clone(&source);
        async move { slow(&source, takes, 1).await }
    });
    assert_eq!(ends(singles).await.answers, [1; 10]);
    assert_eq!(ends(batch).await.answers.len(), 1);
    assert_eq!((source.begun(), begun.elapsed()), (1, takes));
}

/// Whoever looked has gone in between, since nobody waited.
#[tokio::test(start_paused = true)]
async fn so_it_is_the_next_time() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        for id in 1..=3 {
            let mut kept = pin!(get(&source, 0, &go, id));
            begin(kept.as_mut()).await;
            assert_eq!(get(&source, 1, &go, id).await, id * 2 + 1);
            sleep(SOON).await;
        }
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 1].repeat(3));
}

/// As a runtime whose `block_on` has returned.
#[test]
fn nobody_waits_for_a_runtime_that_stands_still() {
    let runtime = |paused| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(paused)
            .build()
            .unwrap()
    };
    let (still, running) = (runtime(false), runtime(true));
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

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_polled_is_not_waited_for() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut kept = pin!(get_many(&source, 0, &go, &[1, 2, 3]));
        begin(kept.as_mut()).await;
        let begun = Instant::now();
        assert_eq!(get(&source, 1, &go, 1).await, 3);
        let others = get_many(&source, 2, &go, &[3, 2, 1]).await;
        assert_eq!(others, HashMap::from([(1, 3), (2, 6), (3, 8)]));
        assert!(begun.elapsed() <= 2 * SOON, "{:?}", begun.elapsed());
        go.notify_one();
        assert_eq!(kept.await, HashMap::from([(1, 2), (2, 4), (3, 6)]));
        assert_eq!(get(&source, 3, &go, 2).await, 6);
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 1, 2]);
}

/// It was its turn to lead, and it is not polled any more.
#[tokio::test(start_paused = true)]
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
#[tokio::test(start_paused = true)]
async fn of_two_that_are_not_polled_neither_is_waited_for() {
    let (source, go) = (Source::default(), Notify::new());
    let work = async {
        let mut first = pin!(get(&source, 0, &go, 1));
        begin(first.as_mut()).await;
        let mut second = pin!(get(&source, 0, &go, 1));
        begin(second.as_mut()).await;
        sleep(2 * SOON).await;
        begin(second.as_mut()).await;
        assert_eq!(source.who(), [0, 0]);
        assert_eq!(get(&source, 1, &go, 1).await, 3);
        go.notify_waiters();
        assert_eq!((first.await, second.await), (2, 2));
    };
    soon(caches().scope(work)).await;
    assert_eq!(source.who(), [0, 0, 1]);
}

/// Never kept in memory, so that there is always somebody to wait for.
#[cache(backend = "local", cache_if = |_| false, skip(takes))]
async fn fleeting(takes: Duration, id: u64) -> u64 {
    sleep(takes).await;
    id * 2
}

/// Fewer than run for themselves at once.
const KEPT: u64 = 30;

/// One caller's part: when he comes, how long his body takes, and whether he lets his call lie for a while.
async fn caller(caches: Caches, number: u64, mut random: fastrand::Rng) {
    let id = number % 3;
    let mut moment = |most| Duration::from_millis(random.u64(..most));
    let (comes, takes, lies) = (moment(6_000), moment(200), moment(5_000));
    sleep(comes).await;
    let mut call = pin!(caches.scope(fleeting(takes, id)));
    if number < 3 * KEPT {
        let ended = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
        sleep(lies).await;
        if ended || random.bool() {
            return;
        }
    }
    // Two of whom he waits for may be lost, and then the others run for themselves.
    let patience = 2 * SOON + Duration::from_millis(400);
    let answer = tokio::time::timeout(patience, call).await;
    assert_eq!(answer, Ok(id * 2), "caller {number} waits for too long");
}

#[tokio::test(start_paused = true)]
async fn whoever_lets_his_call_lie_nobody_waits_for_long() {
    let seed = seed();
    for run in 0..20 {
        let caches = caches();
        let calls = (0..600).map(|number| {
            let random = fastrand::Rng::with_seed(seed ^ (run << 32) ^ number);
            tokio::spawn(caller(caches.clone(), number, random))
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        let begun = Instant::now();
        caches.scope(fleeting(Duration::ZERO, 0)).await;
        assert!(begun.elapsed() < Duration::from_millis(10));
    }
}

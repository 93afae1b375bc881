//! `single_flight = "off"`: everybody runs.

use std::sync::Arc;

use cached_runtime::{Mode, cache, with_mode};
use tokio::time::{Instant, sleep};

use crate::crowd::{BODY, CALLERS, Source, caches, crowd, ends, fall_over};

#[cache(backend = "local", single_flight = "off", skip(source, caller))]
async fn own(source: &Source, caller: usize, id: u64) -> u64 {
    source
        .run(caller, |_| async move {
            sleep(BODY).await;
            if caller == 3 {
                fall_over();
            }
            id * 2
        })
        .await
}

#[cache(backend = "local", skip(source))]
async fn shared(source: &Source, id: u64) -> u64 {
    source
        .run(0, |_| async move {
            sleep(BODY).await;
            id * 2
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn everybody_runs_and_the_next_finds_what_they_left() {
    let (caches, source) = (caches(), Arc::new(Source::default()));
    let begun = Instant::now();
    let calls = crowd(&caches, CALLERS, |caller| {
        let source = Arc::clone(&source);
        async move { own(&source, caller, 21).await }
    });
    let ends = ends(calls).await;
    assert_eq!((ends.answers, ends.panicked), (vec![42; CALLERS - 1], vec![3]));
    assert_eq!((source.begun(), source.most()), (CALLERS, CALLERS));
    assert_eq!(begun.elapsed(), BODY);
    assert_eq!(caches.scope(own(&source, 0, 21)).await, 42);
    assert_eq!(source.begun(), CALLERS);
}

#[tokio::test(start_paused = true)]
async fn so_they_do_past_the_cache_and_to_refresh_it() {
    for mode in [Mode::Off, Mode::Refresh] {
        let (caches, source) = (caches(), Arc::new(Source::default()));
        let calls = crowd(&caches, 100, |_| {
            let source = Arc::clone(&source);
            async move { with_mode(mode, shared(&source, 21)).await }
        });
        assert_eq!(ends(calls).await.answers, vec![42; 100]);
        assert_eq!(source.begun(), 100);
        let kept = async || {
            caches
                .scope(async { shared_entry(21).get().await.unwrap() })
                .await
        };
        // Of many who refresh it at once nobody knows whose answer is the newest.
        assert_eq!(kept().await, None);
        let alone = caches.scope(with_mode(mode, shared(&source, 21)));
        assert_eq!(alone.await, 42);
        assert_eq!(kept().await, (mode == Mode::Refresh).then_some(42));
    }
}

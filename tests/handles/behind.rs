//! `write_behind` of an entry: the value is there at once, and the source has it later. Time is tokio's, and stands still.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, Caches, ErrorKind, FailedWrite, Strategy, cache, update};
use tokio::time::sleep;

use crate::setup::{MINUTE, built, here};

/// What it was given, in which order, and how many of the next writes fail.
#[derive(Default)]
struct Source {
    log: Mutex<Vec<u64>>,
    failing: AtomicU64,
}

impl Source {
    async fn write(&self, value: u64) -> Result<(), String> {
        tokio::task::yield_now().await;
        let fails = |left: u64| left.checked_sub(1);
        if self.failing.fetch_update(SeqCst, SeqCst, fails).is_ok() {
            return Err("the source is busy".to_owned());
        }
        self.log.lock().unwrap().push(value);
        Ok(())
    }

    fn log(&self) -> Vec<u64> {
        self.log.lock().unwrap().clone()
    }
}

fn writer(
    source: &Arc<Source>,
    value: u64,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + 'static {
    let source = Arc::clone(source);
    move || {
        let source = Arc::clone(&source);
        Box::pin(async move { source.write(value).await })
    }
}

fn numbers(caches: &Caches) -> Cache<u64> {
    built(caches, "numbers", |it| {
        it.ttl(MINUTE).strategy(Strategy::WriteBehind)
    })
}

async fn save(cache: &Cache<u64>, source: &Arc<Source>, value: u64) -> Result<(), String> {
    let entry = cache.entry(1);
    entry.write_behind(value, writer(source, value)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_value_is_there_at_once_and_the_source_has_it_later() {
    let ((caches, clock), source) = (here(), Arc::default());
    let numbers = numbers(&caches);
    numbers.entry(1).insert(1).await.unwrap();
    save(&numbers, &source, 2).await.unwrap();
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(2));
    assert_eq!(numbers.stats().pending_writes, 1);
    // Whatever the tiers have lost.
    clock.advance(2 * MINUTE);
    let read = numbers.entry(1).get_or_load(async || 1).await;
    assert_eq!((read.unwrap(), source.log()), (2, vec![]));
    sleep(Duration::from_millis(150)).await;
    assert_eq!(source.log(), [2]);
    assert_eq!(numbers.stats().pending_writes, 0);
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_removal_comes_after_what_is_pending() {
    let ((caches, _clock), source) = (here(), Arc::default());
    let numbers = numbers(&caches);
    for (value, step) in (1..).zip(0..3) {
        save(&numbers, &source, value).await.unwrap();
        match step {
            0 => numbers.entry(1).invalidate().await.unwrap(),
            1 => numbers.clear().await.unwrap(),
            _ => numbers.entry(1).insert_for(9, Duration::ZERO).await.unwrap(),
        }
        assert_eq!(source.log().last(), Some(&value));
        assert_eq!(numbers.entry(1).get().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn of_one_place_in_the_program_the_newest_is_written_and_of_two_each() {
    let ((caches, _clock), source) = (here(), Arc::default());
    let numbers = numbers(&caches);
    for value in 1..=5 {
        save(&numbers, &source, value).await.unwrap();
    }
    // Another part of the same row, say.
    let other = Arc::clone(&source);
    let elsewhere = move || {
        let source: Arc<Source> = Arc::clone(&other);
        async move { source.write(60).await }
    };
    numbers
        .entry(1)
        .write_behind(6, elsewhere)
        .await
        .unwrap()
        .unwrap();
    save(&numbers, &source, 7).await.unwrap();
    assert_eq!(numbers.stats().pending_writes, 3);
    caches.settle().await;
    assert_eq!(source.log(), [5, 60, 7]);
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_repeated() {
    let ((caches, _clock), source) = (here(), Arc::<Source>::default());
    let numbers = numbers(&caches);
    source.failing.store(5, SeqCst);
    save(&numbers, &source, 1).await.unwrap();
    caches.settle().await;
    assert_eq!(source.log(), [1]);
    let stats = numbers.stats();
    assert_eq!((stats.repeated_writes, stats.failed_writes), (5, 0));
    assert_eq!(numbers.entry(1).get().await.unwrap(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_for_good_is_told_and_its_entry_removed() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let caches = crate::setup::with(cached_runtime::stores::Null)
        .backend(["local"])
        .on_failed_write(move |failed: &FailedWrite| hears.lock().unwrap().push(failed.clone()))
        .build()
        .unwrap();
    let numbers = numbers(&caches);
    let panics = || async {
        tokio::task::yield_now().await;
        panic!("a bug in a writer");
        #[expect(unreachable_code, reason = "what it would return")]
        Ok::<(), String>(())
    };
    let source = Arc::<Source>::default();
    source.failing.store(6, SeqCst);
    save(&numbers, &source, 1).await.unwrap();
    numbers.entry(2).write_behind(2, panics).await.unwrap().unwrap();
    caches.settle().await;
    let mut told = std::mem::take(&mut *told.lock().unwrap());
    told.sort_by(|a, b| a.key.cmp(&b.key));
    let seen: Vec<(&str, &str, u32, &str)> = told
        .iter()
        .map(|failed| (&*failed.cache, &*failed.key, failed.runs, &*failed.error))
        .collect();
    assert_eq!(
        seen,
        [
            ("numbers", "numbers:1", 6, "the source is busy"),
            ("numbers", "numbers:2", 6, "panicked: a bug in a writer"),
        ]
    );
    for key in [1, 2] {
        assert_eq!(numbers.entry(key).get().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn shutting_down_writes_first_and_what_is_written_later_is_written_at_once() {
    let ((caches, _clock), source) = (here(), Arc::<Source>::default());
    let numbers = numbers(&caches);
    save(&numbers, &source, 1).await.unwrap();
    caches.shutdown().await.unwrap();
    assert_eq!(source.log(), [1]);
    save(&numbers, &source, 2).await.unwrap();
    assert_eq!(source.log(), [1, 2]);
    source.failing.store(1, SeqCst);
    assert_eq!(
        save(&numbers, &source, 3).await.unwrap_err(),
        "the source is busy"
    );
    let left = numbers.entry(1).get_or_load(async || 9).await;
    assert_eq!(left.unwrap(), 2);
}

#[cache(key = "later:{id}", strategy = "write_behind", backend = "local")]
async fn later(id: u64) -> u64 {
    id
}

#[update(later(id) = value, strategy = "write_behind")]
async fn set_later(source: &Arc<Source>, id: u64, value: u64) -> Result<(), String> {
    let _ = id;
    source.write(value).await
}

#[cache(key = "at_once:{id}", strategy = "write_through", backend = "local")]
async fn at_once(id: u64) -> u64 {
    id
}

#[tokio::test(start_paused = true)]
async fn entries_of_functions_are_written_by_the_same_rules() {
    let ((caches, _clock), source) = (here(), Arc::default());
    caches
        .scope(async {
            let entry = later_entry(1);
            entry.write_behind(2, writer(&source, 2)).await.unwrap().unwrap();
            assert_eq!(later(1).await, 2);
            // In the same order as those of the other kind.
            set_later(&source, 1, 3).await.unwrap();
            entry.write_behind(4, writer(&source, 4)).await.unwrap().unwrap();
            set_later(&source, 1, 5).await.unwrap();
            caches.settle().await;
            assert_eq!((source.log(), later(1).await), (vec![2, 3, 4, 5], 5));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_nothing_is_written() {
    let ((caches, _clock), source) = (here(), Arc::<Source>::default());
    let through: Cache<u64> = built(&caches, "through here", |it| it.strategy(Strategy::WriteThrough));
    let aside: Cache<u64> = built(&caches, "aside here", |it| it);
    caches
        .scope(async {
            for (refused, words) in [
                (
                    through.entry(1).write_behind(2, writer(&source, 2)).await,
                    "use `update`",
                ),
                (
                    aside.entry(1).write_behind(2, writer(&source, 2)).await,
                    "use `update`",
                ),
                (
                    at_once_entry(1).write_behind(2, writer(&source, 2)).await,
                    "use `update`",
                ),
                (
                    later_cache().entry(1).write_behind(2, writer(&source, 2)).await,
                    "made by its companion",
                ),
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().contains(words), "{error}");
            }
        })
        .await;
    caches.settle().await;
    assert_eq!(source.log(), [] as [u64; 0]);
    assert_eq!(through.entry(1).get().await.unwrap(), None);
}

/// Three writers of one key each: what the cache is told of its queue holds for them.
#[tokio::test(start_paused = true)]
async fn the_queue_is_as_long_as_the_cache_says_and_a_run_repeated_as_often() {
    let ((caches, _clock), source) = (here(), Arc::<Source>::default());
    let few = |name: &str| -> Cache<u64> {
        built(&caches, name, |it| {
            it.strategy(Strategy::WriteBehind)
                .queue(2)
                .retries(1)
                .concurrency(1)
        })
    };
    let (numbers, others) = (few("few"), few("others"));
    source.failing.store(1, SeqCst);
    for key in 1..=2 {
        let entry = numbers.entry(key);
        entry
            .write_behind(key, writer(&source, key))
            .await
            .unwrap()
            .unwrap();
    }
    // Of another cache, which has a queue of its own.
    let entry = others.entry(9);
    entry.write_behind(9, writer(&source, 9)).await.unwrap().unwrap();
    assert_eq!(numbers.stats().pending_writes, 2);
    // There is room once one has run; the one that failed is repeated.
    let entry = numbers.entry(3);
    entry.write_behind(3, writer(&source, 3)).await.unwrap().unwrap();
    assert!(numbers.stats().pending_writes <= 2);
    caches.settle().await;
    let mut log = source.log();
    log.sort_unstable();
    assert_eq!(log, [1, 2, 3, 9]);
    let repeated = |cache: &Cache<u64>| cache.stats().repeated_writes;
    assert_eq!(repeated(&numbers) + repeated(&others), 1);
    source.failing.store(2, SeqCst);
    numbers
        .entry(4)
        .write_behind(4, writer(&source, 4))
        .await
        .unwrap()
        .unwrap();
    caches.settle().await;
    assert_eq!((source.log().len(), numbers.stats().failed_writes), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn so_many_writers_run_at_a_time() {
    let (caches, _clock) = here();
    let (running, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for (name, wanted) in [("one", 1), ("three", 3)] {
        let numbers: Cache<u64> = built(&caches, name, |it| {
            it.strategy(Strategy::WriteBehind).concurrency(wanted)
        });
        most.store(0, SeqCst);
        for key in 0..10_u64 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let writer = move || {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                async move {
                    most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                    sleep(Duration::from_millis(10)).await;
                    running.fetch_sub(1, SeqCst);
                    Ok::<_, String>(())
                }
            };
            numbers
                .entry(key)
                .write_behind(key, writer)
                .await
                .unwrap()
                .unwrap();
        }
        caches.settle().await;
        assert_eq!(most.load(SeqCst), wanted as u64);
    }
}

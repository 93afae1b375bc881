//! A store that has fallen silent costs a call one budget, however often the call would ask it. What could not be removed is
//! removed once it speaks again.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Caches, cache, invalidate, update};
use tokio::time::Instant;

use crate::odd::{Act, Odd};

const BUDGET: Duration = Duration::from_millis(200);
/// How exactly the time is told.
const EXACTLY: Duration = Duration::from_millis(2);

#[cache(backend = ["local", "odd"], key = "s:one:{id}", strategy = "write_through")]
async fn one(id: u64) -> u64 {
    id
}

#[cache(backend = ["local", "odd"], key = "s:two:{id}", strategy = "write_through")]
async fn two(id: u64) -> u64 {
    id
}

#[cache(backend = ["local", "odd"], key = "s:three:{id}")]
async fn three(id: u64) -> u64 {
    id
}

#[invalidate(one(id), two(id), three(id))]
async fn entries(id: u64) {}

#[invalidate(one(..), key = "s:two:{id}", three(..), when = "before")]
async fn by_every_way(id: u64) {}

#[update(one(id) = value, two(id) = value)]
async fn write(id: u64, value: u64) {}

#[update(one(id) = value, three(id) = value)]
async fn write_mixed(id: u64, value: u64) {}

/// The second is the first, so that nobody can say which of them the source saw last.
#[update(one(id) = value, one(same) = value + 1)]
async fn write_twice(id: u64, same: u64, value: u64) {}

#[cache(backend = ["local", "odd"], key = "s:even:{id}", strategy = "write_through", cache_if = |value| value % 2 == 0)]
async fn even(id: u64) -> u64 {
    2 * id
}

#[update(even(id) = value)]
async fn write_even(id: u64, value: u64) {}

#[cache(backend = ["local", "odd"], key = "s:later:{id}", strategy = "write_behind")]
async fn later(id: u64) -> u64 {
    id
}

#[update(later(id) = value, strategy = "write_behind")]
async fn write_later(id: u64, value: u64) {
    let _ = (id, value);
}

#[update(one(output.0) = output.1, three(output.0) = output.1)]
async fn write_late(id: u64, value: u64) -> (u64, u64) {
    (id, value)
}

#[update(entries(one(id) = *id for id in ids), entries(two(id) = *id for id in ids))]
async fn write_all(ids: &[u64]) {
    let _ = ids;
}

/// A store that says nothing any more after so many calls from now on.
fn silence_after(odd: &Odd, calls: usize) {
    let left = AtomicUsize::new(calls);
    odd.script(move |_, _| {
        let answered = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if answered.is_ok() { Act::Serve } else { Act::Hang }
    });
}

/// With 1 to 3 stored in each cache, makes a call of a store that falls silent after it has answered so many times. Of what is
/// `gone` nothing is left in the end.
async fn costs_one_budget(answers: usize, gone: &[&str], call: impl AsyncFn(&Caches)) {
    costs_one_budget_of(Odd::new(), answers, gone, &call).await;
    // Which is asked for its generations first, and may keep what these have voided.
    costs_one_budget_of(Odd::new().without_patterns(), answers, &[], &call).await;
}

async fn costs_one_budget_of(odd: Odd, answers: usize, gone: &[&str], call: &impl AsyncFn(&Caches)) {
    let caches = odd.caches_within(BUDGET);
    caches
        .scope(async {
            for id in 1..4 {
                assert_eq!((one(id).await, two(id).await, three(id).await), (id, id, id));
                assert_eq!((even(id).await, later(id).await), (2 * id, id));
            }
            caches.settle().await;
            assert!(gone.iter().all(|key| odd.bytes(key).is_some()));
            silence_after(&odd, answers);
            let begun = Instant::now();
            call(&caches).await;
            let elapsed = begun.elapsed();
            assert!(
                elapsed >= BUDGET && elapsed <= BUDGET + EXACTLY,
                "{elapsed:?} instead of {BUDGET:?}"
            );
            assert!(caches.stats().stores[0].pending_removals);
            odd.script(|_, _| Act::Serve);
            caches.settle().await;
            let stats = &caches.stats().stores[0];
            assert!(!stats.pending_removals && !stats.down, "{stats:?}");
            for key in gone {
                assert!(odd.bytes(key).is_none(), "{key}");
            }
        })
        .await;
}

const FIRST: &[&str] = &["s:one:1", "s:two:1", "s:three:1"];
const ONES: &[&str] = &["s:one:1", "s:one:2", "s:one:3"];
const ALL: &[&str] = &[
    "s:one:1",
    "s:one:2",
    "s:one:3",
    "s:two:1",
    "s:two:2",
    "s:two:3",
    "s:three:1",
    "s:three:2",
    "s:three:3",
    "s:even:1",
    "s:later:1",
];

#[tokio::test(start_paused = true)]
async fn an_entry() {
    costs_one_budget(0, &["s:one:1"], async |_| {
        one_entry(1).invalidate().await.unwrap()
    })
    .await;
    costs_one_budget(0, &["s:one:1"], async |_| {
        one_entry(1).insert(7).await.unwrap_or_default()
    })
    .await;
    // Which is silent once it has been claimed.
    costs_one_budget(1, &["s:one:1"], async |_| {
        one_entry(1).insert(7).await.unwrap_or_default()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_entries() {
    let values = || [1, 2, 3].map(|id| (one_entry(id), 7));
    for answers in [0, 3] {
        costs_one_budget(answers, ONES, async |_| {
            one_cache()
                .update_many(values(), async || Ok::<_, ()>(()))
                .await
                .unwrap()
                .unwrap();
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_cache() {
    costs_one_budget(0, ONES, async |_| one_cache().clear().await.unwrap()).await;
    costs_one_budget_of(Odd::new(), 0, ONES, &async |_: &Caches| {
        one_cache().invalidate_pattern("s:one:*").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_caches() {
    costs_one_budget(0, ALL, async |caches| caches.clear().await.unwrap()).await;
    costs_one_budget_of(Odd::new(), 0, ALL, &async |caches: &Caches| {
        caches.invalidate_pattern("s:*").await.unwrap();
    })
    .await;
    costs_one_budget(0, &["s:two:1"], async |caches| {
        caches.invalidate_key("s:two:1").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_writer_of_several() {
    costs_one_budget(0, FIRST, async |_| entries(1).await).await;
    let of_every_way = ["s:one:1", "s:two:1", "s:three:1", "s:three:2"];
    costs_one_budget(0, &of_every_way, async |_| by_every_way(1).await).await;
    for answers in [0, 1, 2] {
        costs_one_budget(answers, &FIRST[..2], async |_| write(1, 7).await).await;
    }
    costs_one_budget(0, &["s:one:1", "s:three:1"], async |_| _ = write_late(1, 7).await).await;
    costs_one_budget(0, &["s:one:1", "s:three:1"], async |_| write_mixed(1, 7).await).await;
    for answers in [0, 1] {
        costs_one_budget(answers, &["s:one:1"], async |_| write_twice(1, 1, 7).await).await;
        costs_one_budget(answers, &["s:even:1"], async |_| write_even(1, 7).await).await;
        costs_one_budget(answers, &["s:later:1"], async |_| write_later(1, 7).await).await;
    }
    costs_one_budget(0, &ALL[..6], async |_| write_all(&[1, 2, 3]).await).await;
}

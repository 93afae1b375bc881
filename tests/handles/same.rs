//! The same name again: the same cache, or an error.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Cache, Caches, Strategy};

use crate::setup::{MINUTE, built, here, refused};

#[tokio::test]
async fn to_build_it_where_it_is_used_gives_the_same_cache() {
    let (caches, _clock) = here();
    async fn user(caches: &Caches, id: u64) -> String {
        let factor = 2;
        let users: Cache<String> = caches
            .cache("users")
            .ttl(MINUTE)
            .cache_if(move |name: &String| name.len() > factor)
            .tier("local", |tier| tier.ttl(MINUTE / 2))
            .build()
            .unwrap();
        users
            .entry(id)
            .get_or_load(async || format!("user {id}"))
            .await
            .unwrap()
    }
    assert_eq!(user(&caches, 1).await, "user 1");
    assert_eq!(user(&caches, 1).await, "user 1");
    let stats = caches.stats();
    assert_eq!(
        (stats.caches.len(), stats.caches[0].loads, stats.caches[0].hits),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn what_comes_to_the_same_is_the_same() {
    let (caches, _clock) = here();
    let first: Cache<u64> = built(&caches, "numbers", |it| it);
    first.entry(1).insert(1).await.unwrap();
    for same in [
        built::<u64>(&caches, "numbers", |it| it.capacity(10_000)),
        built(&caches, "numbers", |it| it.backend(["local"])),
        built(&caches, "numbers", |it| {
            it.tier("local", |tier| tier.capacity(10_000))
        }),
        built(&caches, "numbers", |it| it.single_flight(true).version(0)),
    ] {
        assert_eq!(same.entry(1).get().await.unwrap(), Some(1));
    }
}

/// What is said of a queue is compared by what it comes to as well.
#[test]
fn the_defaults_of_a_queue_can_be_spelled_out() {
    let (caches, _clock) = here();
    let behind = || caches.cache::<u64>("numbers").strategy(Strategy::WriteBehind);
    behind().build().unwrap();
    behind().queue(10_000).retries(5).concurrency(16).build().unwrap();
    let lines = refused(behind().queue(5).retries(0).concurrency(1).build());
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("another `queue`, `retries`, `concurrency`"),
        "{lines:#?}"
    );
}

/// To reload at 0.8 of the ttl is all that the strategy adds.
#[test]
fn reloading_ahead_can_be_said_in_two_ways() {
    let (caches, _clock) = here();
    built::<u64>(&caches, "numbers", |it| {
        it.ttl(MINUTE).strategy(Strategy::RefreshAhead)
    });
    built::<u64>(&caches, "numbers", |it| it.ttl(MINUTE).refresh_at(0.8));
}

#[test]
fn another_description_is_refused() {
    let (caches, _clock) = here();
    built::<u64>(&caches, "numbers", |it| it.ttl(MINUTE).cache_if(|_| true));
    let of = || caches.cache::<u64>("numbers").ttl(MINUTE);
    for (other, words) in [
        (of().build(), "another `cache_if`"),
        (of().cache_if(|_| true).build(), "another `cache_if`"),
        (caches.cache("numbers").build(), "another `ttl`, `cache_if`"),
        (
            of().ttl_with(|_| MINUTE).cache_if(|_| true).build(),
            "another `ttl`, `cache_if`",
        ),
        (
            of().backend(["local", "redis"]).build(),
            "another chain, `cache_if`",
        ),
        (of().capacity(5).build(), "another bound, `cache_if`"),
        (
            of().refresh_at(0.5).stale(MINUTE).build(),
            "another `refresh`, `stale`, `cache_if`",
        ),
        (
            of().strategy(Strategy::WriteThrough).build(),
            "another `strategy`, `cache_if`",
        ),
    ] {
        let lines = refused(other);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains(words), "{words}: {lines:#?}");
        assert!(lines[0].contains("handles/setup.rs:"), "{lines:#?}");
    }
    let lines = refused::<String>(caches.cache("numbers").build());
    assert!(
        lines[0].contains("type of values (`u64` there, `alloc::string::String` here)"),
        "{lines:#?}"
    );
}

#[test]
fn of_closures_the_code_is_compared_and_the_first_one_stays() {
    let (caches, _clock) = here();
    let (first, second) = (Arc::new(()), Arc::new(()));
    let build = |held: &Arc<()>| -> Cache<u64> {
        let held = Arc::clone(held);
        caches
            .cache("numbers")
            .cache_if(move |_| Arc::strong_count(&held) > 0)
            .build()
            .unwrap()
    };
    let (_a, _b) = (build(&first), build(&second));
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 1));
}

#[tokio::test]
async fn two_caches_have_nothing_in_common() {
    let (caches, _clock) = here();
    let (other, _) = here();
    // A name that ends as a key of the other begins.
    let [a, b, c] = ["a", "a:1", "a(1,2,)"].map(|name| built::<u64>(&caches, name, |it| it));
    let elsewhere = built::<String>(&other, "a", |it| it.ttl(Duration::from_secs(1)));
    a.entry(1).insert(1).await.unwrap();
    for empty in [&b, &c] {
        assert_eq!(empty.entry(1).get().await.unwrap(), None);
    }
    assert_eq!(elsewhere.entry(1).get().await.unwrap(), None);
    b.clear().await.unwrap();
    assert_eq!(a.entry(1).get().await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_build_it_at_once_get_one_cache() {
    for _ in 0..50 {
        let (caches, _clock) = here();
        let build = |number: u64| {
            let caches = caches.clone();
            tokio::spawn(async move {
                let numbers: Cache<u64> = caches.cache("numbers").build().unwrap();
                numbers.entry(1).get_or_load(async || number).await.unwrap()
            })
        };
        let tasks: Vec<_> = (0..8).map(build).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(caches.stats().caches[0].loads, 1);
    }
}

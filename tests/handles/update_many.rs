//! `update_many`: the source is written, and each entry is removed or given its new value, as its cache says.

use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cached_runtime::{Cache, Caches, ErrorKind, Strategy, cache};
use cached_tests::RedisServer;
use tokio::sync::Notify;

use crate::setup::{MINUTE, built, caches, here};

const AT_ONCE: [Strategy; 3] = [
    Strategy::CacheAside,
    Strategy::RefreshAhead,
    Strategy::WriteThrough,
];

fn of(caches: &Caches, strategy: Strategy) -> Cache<u64> {
    built(caches, &format!("{strategy:?}"), |it| {
        it.ttl(MINUTE).strategy(strategy).cache_if(|value| *value != 13)
    })
}

async fn written() -> Result<&'static str, String> {
    Ok("done")
}

#[tokio::test]
async fn once_it_is_written_the_entries_are_what_the_strategy_says() {
    let server = RedisServer::start().await;
    let (near, far) = (caches(&server).await, caches(&server).await);
    for strategy in AT_ONCE {
        let numbers = of(&near, strategy);
        for key in 1..=4 {
            numbers.entry(key).insert(key).await.unwrap();
        }
        // Of one key the last counts; what is not to be kept is removed.
        let values = [(1, 9), (2, 20), (3, 13), (1, 10), (5, 50)];
        let done = numbers
            .update_many(values, async || {
                assert_eq!(
                    numbers.entry(1).get().await.unwrap(),
                    Some(1),
                    "not before it is written"
                );
                written().await
            })
            .await;
        assert_eq!(done.unwrap(), Ok("done"));
        let expected = if strategy == Strategy::WriteThrough {
            [Some(10), Some(20), None, Some(4), Some(50)]
        } else {
            [None, None, None, Some(4), None]
        };
        for caches in [&near, &far] {
            let found = of(caches, strategy).get_many(1..=5_u64).await.unwrap();
            assert_eq!(found, expected, "{strategy:?}");
        }
    }
}

#[tokio::test]
async fn maps_borrowed_keys_and_nothing_at_all() {
    let (caches, _clock) = here();
    let names: Cache<String> = built(&caches, "names", |it| it.strategy(Strategy::WriteThrough));
    let rows = HashMap::from([
        ("a".to_owned(), "Ada".to_owned()),
        ("b".to_owned(), "Bob".to_owned()),
    ]);
    let values = rows.iter().map(|(key, name)| (key, name.clone()));
    names.update_many(values, written).await.unwrap().unwrap();
    names.update_many(rows.clone(), written).await.unwrap().unwrap();
    assert_eq!(names.entry("b").get().await.unwrap(), Some("Bob".to_owned()));
    let nothing: [(u64, String); 0] = [];
    assert_eq!(names.update_many(nothing, written).await.unwrap(), Ok("done"));
}

#[tokio::test]
async fn a_writer_that_fails_leaves_them_and_one_that_is_dropped_removes_them() {
    let (caches, _clock) = here();
    for strategy in AT_ONCE {
        let numbers = of(&caches, strategy);
        for key in 1..=3 {
            numbers.entry(key).insert(key).await.unwrap();
        }
        let failed = numbers
            .update_many([(1, 10), (2, 20)], async || Err::<(), _>("no"))
            .await;
        assert_eq!(failed.unwrap(), Err("no"));
        assert_eq!(
            numbers.get_many([1, 2, 3]).await.unwrap(),
            [Some(1), Some(2), Some(3)]
        );
        {
            let never = numbers.update_many([(1, 10), (2, 20)], async || {
                std::future::pending::<()>().await;
                Ok::<_, String>(())
            });
            let first = pin!(never).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(first, Poll::Pending));
        }
        assert_eq!(numbers.get_many([1, 2, 3]).await.unwrap(), [None, None, Some(3)]);
    }
}

#[tokio::test]
async fn what_overlaps_another_writer_is_removed_and_nothing_else() {
    let (caches, _clock) = here();
    let numbers = of(&caches, Strategy::WriteThrough);
    let (begun, go) = (Notify::new(), Notify::new());
    let many = numbers.update_many([(1, 10), (2, 20)], async || {
        begun.notify_one();
        go.notified().await;
        written().await
    });
    let one = async {
        begun.notified().await;
        numbers.entry(1).update(11, written).await.unwrap().unwrap();
        go.notify_one();
    };
    let (done, ()) = tokio::join!(many, one);
    assert_eq!(done.unwrap(), Ok("done"));
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [None, Some(20)]);
}

#[cache(key = "through:{org}:{id}", strategy = "write_through", backend = "local")]
async fn through(org: &str, id: u64) -> u64 {
    id + org.len() as u64
}

#[cache(key = "other:{id}", backend = "local")]
async fn other(id: u64) -> u64 {
    id
}

#[cache(key = "behind-of-many:{id}", strategy = "write_behind", backend = "local")]
async fn behind(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn of_a_function_by_its_entries() {
    let (caches, _clock) = here();
    caches
        .scope(async {
            let values = [(through_entry("a", 1), 10), (through_entry("b", 1), 20)];
            through_cache()
                .update_many(values, written)
                .await
                .unwrap()
                .unwrap();
            assert_eq!((through("a", 1).await, through("b", 1).await), (10, 20));
        })
        .await;
}

#[tokio::test]
async fn where_it_cannot_be_nothing_is_written() {
    let (caches, _clock) = here();
    let (elsewhere, _clock) = here();
    let later: Cache<u64> = built(&caches, "later many", |it| it.strategy(Strategy::WriteBehind));
    let never = async || -> Result<(), String> { panic!("it must not be written") };
    caches
        .scope(async {
            let foreign = elsewhere.scope(async { through_entry("a", 1) }).await;
            for (refused, words) in [
                (later.update_many([(1, 1)], never).await, "use `write_behind`"),
                (
                    behind_cache().update_many([(behind_entry(1), 1)], never).await,
                    "use `write_behind`",
                ),
                (through_cache().update_many([(1, 1)], never).await, "`get_many`"),
                (
                    through_cache().update_many([(other_entry(1), 1)], never).await,
                    "none of the cache",
                ),
                (
                    through_cache().update_many([(foreign, 1)], never).await,
                    "another `Caches`",
                ),
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().contains(words), "{error}");
            }
        })
        .await;
}

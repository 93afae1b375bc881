//! The handles of annotated functions have the same methods: their entries load, and their caches make no entries.

use cached_runtime::{ErrorKind, cache};
use cached_tests::Source;

use crate::setup::here;

#[cache(key = "user:{id}", ttl = "1h", backend = "local", skip(source))]
async fn user(source: &Source, id: u64) -> Result<u64, String> {
    let _ = id;
    Ok(source.load())
}

#[tokio::test]
async fn an_entry_of_a_function_loads_as_a_call_does() {
    let (caches, _clock) = here();
    let source = Source::of(1);
    caches
        .scope(async {
            let other = user_entry(1).get_or_load(async || Some(5)).await.unwrap();
            assert_eq!((other, user(&source, 1).await), (Some(5), Ok(5)));
            assert_eq!(user(&source, 2).await, Ok(1));
            let failing = async || Err::<u64, _>("not asked".to_owned());
            assert_eq!(
                user_entry(2).get_or_load_with(String::clone, failing).await,
                Ok(1)
            );
            assert_eq!(user_cache().stats().loads, 2);
        })
        .await;
}

#[tokio::test]
async fn a_function_and_an_entry_share_one_load() {
    let (caches, _clock) = here();
    let source = Source::of(1);
    let (go, begun) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    caches
        .scope(async {
            let entry = user_entry(1);
            let load = entry.get_or_load(async || {
                begun.notify_one();
                go.notified().await;
                7
            });
            let call = async {
                begun.notified().await;
                let mut call = Box::pin(user(&source, 1));
                let waits = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(call.as_mut().poll(context).is_pending())
                });
                assert!(waits.await);
                go.notify_one();
                call.await.unwrap()
            };
            let (loaded, called) = tokio::join!(load, call);
            assert_eq!((loaded.unwrap(), called, source.loads()), (7, 7, 0));
        })
        .await;
}

#[tokio::test]
async fn the_cache_of_a_function_makes_no_entries() {
    let (caches, _clock) = here();
    caches
        .scope(async {
            let source = Source::of(1);
            user(&source, 1).await.unwrap();
            let entry = user_cache().entry(1);
            let unsupported = |error: cached_runtime::Error| {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().contains("user"), "{error}");
            };
            unsupported(entry.get().await.unwrap_err());
            unsupported(entry.insert(2).await.unwrap_err());
            unsupported(entry.insert_for(2, std::time::Duration::MAX).await.unwrap_err());
            unsupported(entry.invalidate().await.unwrap_err());
            unsupported(entry.remaining_ttl().await.unwrap_err());
            let many = user_cache().get_many([1]).await.unwrap_err();
            assert!(many.to_string().contains("`#[cache(entries(..))]`"), "{many}");
            unsupported(many);
            assert_eq!(entry.get_or_load(async || 3).await.unwrap(), 3);
            assert_eq!(user(&source, 1).await, Ok(1));
            let same = user_cache().clone();
            same.clear().await.unwrap();
            assert_eq!(user_entry(1).get().await.unwrap(), None);
        })
        .await;
}

#[cache(key = "seat:{hall}:{row}", backend = "local")]
async fn seat(hall: &str, row: u64) -> u64 {
    row + hall.len() as u64
}

#[cache(key = "later-seat:{row}", strategy = "write_behind", backend = "local")]
async fn later_seat(row: u64) -> u64 {
    row
}

#[cache(backend = "local")]
async fn size_of<T: cached_runtime::KeyPart + Send + Sync + Clone + 'static>(value: T) -> u64 {
    let _ = value;
    std::mem::size_of::<T>() as u64
}

#[tokio::test]
async fn the_cache_of_a_function_looks_for_many_by_its_entries() {
    let ((caches, _), (other, _)) = (here(), here());
    caches
        .scope(async {
            assert_eq!(
                (seat("a", 1).await, seat("b", 2).await, later_seat(3).await),
                (2, 3, 3)
            );
            let seats = [("b", 2), ("a", 1), ("a", 2), ("b", 2)];
            let entries = seats.iter().map(|(hall, row)| seat_entry(*hall, row));
            let found = seat_cache().get_many(entries).await.unwrap();
            assert_eq!(found, [Some(3), Some(2), None, Some(3)]);
            let later = later_seat_cache().get_many([3, 4].map(later_seat_entry)).await;
            assert_eq!(later.unwrap(), [Some(3), None]);
            // Of every instantiation.
            assert_eq!((size_of(1_u8).await, size_of("abc").await), (1, 16));
            let entries = [size_of_entry(&"abc"), size_of_entry(&1_u8), size_of_entry(&1_u16)];
            let found = size_of_cache::<u8>().get_many(entries).await.unwrap();
            assert_eq!(found, [Some(16), Some(1), None]);
            // Of no other cache, and of no other `Caches`.
            let elsewhere = other.scope(async { seat_entry("a", 1) }).await;
            for entry in [user_entry(1), elsewhere] {
                let error = seat_cache().get_many([entry]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported);
            }
        })
        .await;
}

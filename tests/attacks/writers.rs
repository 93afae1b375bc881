//! What a writer does to others: to what is made of its entries, to what other functions have under way, and to what it is to
//! put while somebody else is let down by the store.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{ErrorKind, cache, invalidate, update};
use tokio::time::sleep;

use crate::odd::{Act, Odd};

const MS: Duration = Duration::from_millis(1);

#[cache(backend = ["local", "odd"], key = "w:user:{id}", skip(source))]
async fn user(source: &AtomicU64, id: u64) -> u64 {
    let _ = id;
    source.load(SeqCst)
}

#[cache(backend = "local", key = "w:page:{id}", skip(source))]
async fn page(source: &AtomicU64, id: u64) -> u64 {
    user(source, id).await * 10
}

#[cache(backend = ["local", "odd"], key = "w:list:{id}", skip(source))]
async fn list(source: &AtomicU64, id: u64) -> u64 {
    user(source, id).await * 10
}

#[invalidate(user(id), page(id), list(id))]
async fn rename(source: &AtomicU64, id: u64, value: u64) {
    let _ = id;
    source.store(value, SeqCst);
}

/// Pages and lists are loaded from users, and read all the while: none may be made of a user that is on its way out.
#[tokio::test(start_paused = true)]
async fn what_is_made_of_an_entry_is_removed_after_it() {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let caches = odd.caches();
    caches
        .scope(async {
            assert_eq!((page(&source, 1).await, list(&source, 1).await), (10, 10));
            caches.settle().await;
            odd.script(|operation, key| match operation {
                "remove" if key.contains("user") => Act::Slow(20 * MS),
                "remove" => Act::Slow(2 * MS),
                _ => Act::Serve,
            });
            let readers = async {
                for _ in 0..30 {
                    sleep(MS).await;
                    tokio::join!(page(&source, 1), list(&source, 1));
                }
            };
            tokio::join!(rename(&source, 1, 2), readers);
            caches.settle().await;
            assert_eq!(user(&source, 1).await, 2);
            assert_eq!((page(&source, 1).await, list(&source, 1).await), (20, 20));
        })
        .await;
}

#[cache(backend = ["local", "odd"], key = "w:kept:{id}", strategy = "write_through")]
async fn kept(id: u64) -> u64 {
    id
}

#[cache(backend = ["local", "odd"], key = "w:other:{id}")]
async fn other(id: u64) -> u64 {
    id
}

#[update(kept(id) = value)]
async fn write_beside_a_failure(id: u64, value: u64) {
    let _ = value;
    other(id).await;
}

#[tokio::test(start_paused = true)]
async fn that_somebody_else_is_let_down_costs_a_writer_no_value() {
    let odd = Odd::new();
    let caches = odd.caches();
    caches
        .scope(async {
            assert_eq!(kept(1).await, 1);
            caches.settle().await;
            let old = odd.bytes("w:kept:1").unwrap();
            odd.script(|operation, key| match (operation, key) {
                ("get", "w:other:1") => Act::Fail(ErrorKind::Unavailable),
                _ => Act::Serve,
            });
            write_beside_a_failure(1, 7).await;
            assert!(odd.bytes("w:kept:1").is_some_and(|bytes| bytes != old));
        })
        .await;
}

#[cache(backend = ["local", "odd"], key = "w:report:{id}", skip(loads))]
async fn report(loads: &AtomicU64, id: u64) -> u64 {
    let _ = id;
    sleep(20 * MS).await;
    loads.fetch_add(1, SeqCst)
}

#[update(kept(id) = value)]
async fn write_slowly(id: u64, value: u64) {
    let _ = (id, value);
    sleep(20 * MS).await;
}

#[tokio::test(start_paused = true)]
async fn a_pattern_leaves_alone_what_functions_that_it_does_not_mean_have_under_way() {
    let (odd, loads) = (Odd::new(), AtomicU64::new(0));
    let caches = odd.caches();
    caches
        .scope(async {
            let patterns = async {
                for _ in 0..30 {
                    sleep(MS).await;
                    caches.invalidate_pattern("w:other:*").await.unwrap();
                }
            };
            tokio::join!(report(&loads, 1), write_slowly(1, 7), patterns);
            caches.settle().await;
            report(&loads, 1).await;
            assert_eq!(loads.load(SeqCst), 1, "it was not kept");
            assert_eq!(kept_entry(1).get().await.unwrap(), Some(7));
        })
        .await;
}

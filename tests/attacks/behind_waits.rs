//! Writes that run later, and who waits for them: where nobody could go on, somebody has to.

use std::sync::OnceLock;
use std::time::Duration;

use cached_runtime::{Cache, Strategy};
use tokio::runtime::{Builder, Runtime};

use crate::by_hand::must_return;
use crate::must_end;
use crate::odd::Odd;

/// The loader removes an entry of which a write is pending, whose body asks for what is being loaded.
#[tokio::test]
async fn a_loader_and_a_write_do_not_wait_for_each_other() {
    let caches = Odd::new().caches();
    let loaded: Cache<u64> = caches.cache("loaded").backend(["local"]).build().unwrap();
    let written: Cache<u64> = caches
        .cache("written")
        .backend(["local"])
        .strategy(Strategy::WriteBehind)
        .build()
        .unwrap();
    let (load, write) = (loaded.entry(1), written.entry(1));
    let asked = load.clone();
    let body = move || {
        let asked = asked.clone();
        async move {
            let got = asked.get_or_load(async || 1).await;
            got.map(drop).map_err(|error| error.to_string())
        }
    };
    write.write_behind(1, body).await.unwrap().unwrap();
    let all = load.get_or_load(async || {
        write.invalidate().await.unwrap();
        2
    });
    must_end(all).await.unwrap();
}

static ASKED: OnceLock<Cache<Asks>> = OnceLock::new();

/// Asks for statistics when it goes.
#[derive(Clone)]
struct Asks;

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(cache) = ASKED.get() {
            let _ = cache.stats();
        }
    }
}

#[test]
fn a_value_that_another_replaces_asks_for_statistics() {
    must_return(|| {
        let caches = Odd::new().caches();
        let cache = caches
            .cache("asks")
            .strategy(Strategy::WriteBehind)
            .cache_if(|_| false)
            .build_in_memory()
            .unwrap();
        ASKED.set(cache.clone()).ok();
        Runtime::new().unwrap().block_on(async {
            for _ in 0..2 {
                let body = || async { Ok::<(), String>(()) };
                cache.entry(1).write_behind(Asks, body).await.unwrap().unwrap();
            }
            caches.settle().await;
        });
    });
}

#[test]
fn a_removal_does_not_wait_for_a_runtime_that_stands_still() {
    must_return(|| {
        let caches = Odd::new().caches();
        let cache: Cache<u64> = caches
            .cache("still")
            .backend(["local"])
            .strategy(Strategy::WriteBehind)
            .build()
            .unwrap();
        let still = Builder::new_current_thread().enable_all().build().unwrap();
        still.block_on(async {
            let body = || async { Ok::<(), String>(()) };
            cache.entry(1).write_behind(1, body).await.unwrap().unwrap();
            // As long as it takes for the write to be waited for.
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        Runtime::new().unwrap().block_on(async {
            cache.entry(1).invalidate().await.unwrap();
        });
        drop(still);
    });
}

//! A program that sets nothing up, or asks for the environment to be checked first: `plain implicit`, `plain from_env`.
//! It calls a cached function a few times and says what came of it.

mod log;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, cache};

static LOADS: AtomicU64 = AtomicU64::new(0);

/// Its chain is the one of the environment.
#[cache(key = "greeting:{name}", ttl = "1h")]
async fn greeting(name: &str) -> String {
    LOADS.fetch_add(1, SeqCst);
    format!("Hello, {name}")
}

#[cache(key = "length:{name}", ttl = "1h")]
async fn length(name: &str) -> usize {
    LOADS.fetch_add(1, SeqCst);
    name.len()
}

#[tokio::main]
async fn main() {
    log::start();
    if std::env::args().nth(1).as_deref() == Some("from_env") {
        match Caches::from_env().await {
            Ok(caches) => caches.install().unwrap(),
            Err(error) => {
                println!(
                    "error {:?}: {}",
                    error.kind(),
                    error.to_string().replace('\n', " ")
                );
                return;
            }
        }
    }
    for _ in 0..3 {
        assert_eq!(greeting("Ada").await, "Hello, Ada");
        assert_eq!(length("Ada").await, 3);
    }
    println!("loads {}", LOADS.load(SeqCst));
    let stats = greeting_cache().stats();
    let chain: Vec<_> = stats.tiers.iter().map(|tier| tier.store.as_str()).collect();
    println!("chain {}", chain.join(","));
    println!("hits {}", stats.hits);
    if let Some(why) = Caches::current().stats().uncached {
        println!("uncached {}", why.lines().next().unwrap_or_default());
    }
    let entry = greeting_entry("Ada").get().await.map_err(|error| error.kind());
    println!("entry {entry:?}");
}

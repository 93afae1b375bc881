//! Arguments that say where and how values are kept.

use crate::{Runs, caches};
use cached_runtime::cache;

const CHAIN: &[&str] = &["local"];

static RUNS: Runs = Runs::new();

/// A chain that has a name.
#[cache(backend = CHAIN, tier("local", ttl = "30s", capacity = 10_000), codec = "json", version = 2, compress = "1KiB")]
async fn chained(id: u64) -> u64 {
    RUNS.count();
    id
}

/// The other engine, bound by bytes.
#[cache(backend = "moka", max_bytes = "64MiB", weight = |key, value| (key.to_string().len() + value.len()) as u64)]
async fn weighed(id: u64) -> String {
    RUNS.count();
    id.to_string()
}

/// Not serializable, and need not be.
#[derive(Clone, Debug, PartialEq)]
struct Local(u64);

/// Of a strategy and a sharing.
#[cache(backend = ["local"], strategy = "write_through", single_flight = "off", capacity = 1_000, ttl = "1w 2d")]
async fn local(id: u64) -> Result<Local, ()> {
    RUNS.count();
    Ok(Local(id))
}

/// Found by another path.
#[cache(crate = cached_runtime, key = "{{{id}}}")]
async fn braces(id: u64) -> u64 {
    RUNS.count();
    id
}

#[tokio::test]
async fn all_of_them() {
    caches()
        .scope(async {
            for _ in 0..2 {
                assert_eq!((chained(1).await, weighed(22).await), (1, "22".to_owned()));
                assert_eq!((local(3).await, braces(4).await), (Ok(Local(3)), 4));
            }
            assert_eq!(RUNS.get(), 4);
            assert_eq!(braces_entry(4).key().to_string(), "{4}");
        })
        .await;
}

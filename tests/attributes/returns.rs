//! What is kept is decided by the type, whatever its name.

use crate::{Runs, caches};
use cached_runtime::cache;
use std::time::Duration;

type Answer<T> = Result<Option<T>, String>;
type Maybe = Option<u64>;

static RUNS: Runs = Runs::new();

/// An alias of a result of an option.
#[cache]
async fn answer(id: u64) -> Answer<String> {
    RUNS.count();
    match id {
        0 => Err("zero".to_owned()),
        1 => Ok(None),
        _ => Ok(Some(id.to_string())),
    }
}

/// An alias of an option; its `None` is kept.
#[cache(none_ttl = "30s", ttl = "1h", jitter = "10%")]
async fn maybe(id: u64) -> Maybe {
    RUNS.count();
    (id > 0).then_some(id)
}

/// A plain value.
#[cache]
async fn plain(id: u64) -> (u64, String) {
    RUNS.count();
    (id, id.to_string())
}

/// `anyhow` errors.
#[cache(cache_if = |value| value.len() > 1)]
async fn anyhow(id: u64) -> anyhow::Result<String> {
    RUNS.count();
    let text = id.to_string();
    anyhow::ensure!(id > 0, "zero");
    Ok(text)
}

/// An error that nothing can be done with.
#[derive(Debug)]
struct Opaque(u64);

/// It is shared as the function says.
#[cache(share_error = |error| Opaque(error.0), ttl = |value: &String| Duration::from_secs(value.len() as u64))]
async fn opaque(id: u64) -> Result<String, Opaque> {
    RUNS.count();
    if id == 0 {
        Err(Opaque(7))
    } else {
        Ok(id.to_string())
    }
}

#[tokio::test]
async fn every_shape() {
    caches()
        .scope(async {
            let runs = || RUNS.get();
            for _ in 0..2 {
                assert_eq!(answer(2).await, Ok(Some("2".to_owned())));
            }
            assert_eq!(runs(), 1);
            for _ in 0..2 {
                assert_eq!(
                    (answer(1).await, answer(0).await),
                    (Ok(None), Err("zero".to_owned()))
                );
            }
            assert_eq!(runs(), 5, "neither `None` nor `Err` is kept");
            for _ in 0..2 {
                assert_eq!((maybe(1).await, maybe(0).await), (Some(1), None));
            }
            assert_eq!(runs(), 7, "`None` is kept where the function says so");
            for _ in 0..2 {
                assert_eq!(plain(1).await, (1, "1".to_owned()));
            }
            assert_eq!(runs(), 8);
            for _ in 0..2 {
                assert_eq!(
                    (anyhow(1).await.unwrap(), anyhow(10).await.unwrap()),
                    ("1".to_owned(), "10".to_owned())
                );
            }
            assert_eq!(runs(), 11, "what `cache_if` refuses is not kept");
            assert_eq!(opaque(0).await.unwrap_err().0, 7);
            assert_eq!(opaque(1).await.unwrap(), "1");
            let kept: Option<String> = answer_entry(2).get().await.unwrap();
            assert_eq!(kept.as_deref(), Some("2"));
            let kept: Option<u64> = maybe_entry(1).get().await.unwrap();
            assert_eq!(kept, Some(1));
        })
        .await;
}

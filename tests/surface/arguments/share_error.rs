//! `share_error`: how those who waited get the error of the one load.

use cached_runtime::{LoadFailed, cache};
use tokio::join;

use crate::world::{Runs, world};

/// Neither `Clone` nor made of anything.
#[derive(Debug, PartialEq)]
struct Stubborn(u64, &'static str);

#[cache(share_error = |error| Stubborn(error.0, "shared"), skip(runs), backend = "local")]
async fn told(runs: &Runs, id: u64) -> Result<u64, Stubborn> {
    tokio::task::yield_now().await;
    let _ = id;
    Err(Stubborn(runs.next(), "own"))
}

#[cache(skip(runs), backend = "local")]
async fn untold(runs: &Runs, id: u64) -> Result<u64, Stubborn> {
    tokio::task::yield_now().await;
    let _ = id;
    Err(Stubborn(runs.next(), "own"))
}

#[tokio::test]
async fn the_closure_makes_the_followers_errors() {
    world(async |_| {
        let runs = Runs::default();
        let (a, b, c) = join!(told(&runs, 1), told(&runs, 1), told(&runs, 1));
        assert_eq!(runs.count(), 1);
        assert_eq!(a, Err(Stubborn(1, "own")));
        assert_eq!(b, Err(Stubborn(1, "shared")));
        assert_eq!(c, Err(Stubborn(1, "shared")));
        // Alone it is the original, and nothing was kept.
        assert_eq!(told(&runs, 1).await, Err(Stubborn(2, "own")));
        assert_eq!(told_cache().stats().failed_loads, 2);
    })
    .await;
}

#[tokio::test]
async fn without_a_way_everybody_has_an_error_of_their_own() {
    world(async |_| {
        let runs = Runs::default();
        let (a, b, c) = join!(untold(&runs, 1), untold(&runs, 1), untold(&runs, 1));
        let mut runs: Vec<u64> = [a, b, c]
            .into_iter()
            .map(|result| result.unwrap_err().0)
            .collect();
        runs.sort_unstable();
        assert_eq!(runs, [1, 2, 3]);
    })
    .await;
}

#[cache(skip(runs), backend = "local")]
async fn io(runs: &Runs, id: u64) -> std::io::Result<u64> {
    tokio::task::yield_now().await;
    let _ = (id, runs.next());
    Err(std::io::Error::new(std::io::ErrorKind::NotFound, "gone"))
}

#[cache(skip(runs), backend = "local")]
async fn any(runs: &Runs, id: u64) -> anyhow::Result<u64> {
    tokio::task::yield_now().await;
    let _ = (id, runs.next());
    Err(anyhow::Error::new(std::fmt::Error).context("outside"))
}

#[tokio::test]
async fn errors_of_the_ecosystem_are_shared_without_being_told() {
    world(async |_| {
        let runs = Runs::default();
        let (a, b) = join!(io(&runs, 1), io(&runs, 1));
        assert_eq!(runs.count(), 1);
        assert_eq!(a.unwrap_err().kind(), std::io::ErrorKind::NotFound);
        let b = b.unwrap_err();
        assert!(b.to_string().contains("gone"));
        assert!(b.get_ref().unwrap().is::<LoadFailed>());
        let (a, b) = join!(any(&runs, 1), any(&runs, 1));
        assert_eq!(runs.count(), 2);
        for error in [a.unwrap_err(), b.unwrap_err()] {
            assert_eq!(error.to_string(), "outside");
            assert!(
                error.chain().any(|cause| cause.is::<std::fmt::Error>()),
                "{error:?}"
            );
        }
    })
    .await;
}

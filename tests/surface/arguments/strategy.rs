//! `strategy`: the names that there are. What they do differently is a writer's matter.

use cached_runtime::cache;

use crate::world::{Runs, world};

macro_rules! strategies {
    ($($name:ident: $strategy:literal;)+) => {$(
        #[cache(strategy = $strategy, skip(runs), backend = ["local", "far"])]
        async fn $name(runs: &Runs, id: u64) -> u64 {
            let _ = id;
            runs.next()
        }
    )+};
}

strategies! {
    cache_aside: "cache_aside";
    read_through: "read_through";
    write_through: "write_through";
}

#[tokio::test]
async fn a_miss_loads_and_fills_every_tier_under_each() {
    world(async |world| {
        let runs = Runs::default();
        for expected in [1, 1] {
            assert_eq!(cache_aside(&runs, 1).await, expected);
        }
        for expected in [2, 2] {
            assert_eq!(read_through(&runs, 1).await, expected);
        }
        for expected in [3, 3] {
            assert_eq!(write_through(&runs, 1).await, expected);
        }
        for entry in [
            cache_aside_entry(1),
            read_through_entry(1),
            write_through_entry(1),
        ] {
            assert!(world.far.bytes(&entry.key().to_string()).is_some(), "{entry:?}");
        }
    })
    .await;
}

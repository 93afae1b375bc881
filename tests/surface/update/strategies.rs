//! What becomes of the entry is the cached function's matter.

use cached_runtime::{Mode, cache, update, with_mode};

use crate::world::{Runs, world};

#[cache(key = "u8:a:{id}", skip(runs), backend = ["local", "far"])]
async fn aside(runs: &Runs, id: u64) -> u64 {
    runs.next() + id
}

#[cache(key = "u8:r:{id}", strategy = "read_through", skip(runs), backend = ["local", "far"])]
async fn read(runs: &Runs, id: u64) -> u64 {
    runs.next() + id
}

#[cache(key = "u8:w:{id}", strategy = "write_through", skip(runs), backend = ["local", "far"])]
async fn through(runs: &Runs, id: u64) -> u64 {
    runs.next() + id
}

#[update(aside(id), read(id), through(id))]
async fn returned(id: u64) -> u64 {
    id + 1_000
}

#[update(aside(id) = made.next(), read(id) = made.next(), through(id) = made.next())]
async fn made_of_arguments(made: &Runs, id: u64) {
    let _ = id;
}

#[update(aside(id) = made.next() + output, read(id) = made.next(), through(id) = made.next() + output)]
async fn made_of_output(made: &Runs, id: u64) -> u64 {
    let _ = made;
    id + 2_000
}

async fn there(id: u64) -> [Option<u64>; 3] {
    [
        aside_entry(id).get().await.unwrap(),
        read_entry(id).get().await.unwrap(),
        through_entry(id).get().await.unwrap(),
    ]
}

async fn filled() {
    let runs = Runs::default();
    aside(&runs, 1).await;
    read(&runs, 1).await;
    through(&runs, 1).await;
}

#[tokio::test]
async fn an_entry_is_removed_or_put() {
    world(async |world| {
        filled().await;
        returned(1).await;
        assert_eq!(there(1).await, [None, None, Some(1_001)]);
        assert_eq!(world.far.present(), ["u8:w:1"]);
    })
    .await;
}

/// A value that would be thrown away is not made.
#[tokio::test]
async fn a_value_is_made_for_those_who_store_it() {
    world(async |_| {
        filled().await;
        let made = Runs::default();
        made_of_arguments(&made, 1).await;
        assert_eq!(there(1).await, [None, None, Some(1)]);
        assert_eq!(made.count(), 1);
        filled().await;
        made_of_output(&made, 1).await;
        assert_eq!(there(1).await[2], Some(2_003));
    })
    .await;
}

#[tokio::test]
async fn the_mode_does_not_matter() {
    world(async |_| {
        filled().await;
        with_mode(Mode::Off, returned(1)).await;
        assert_eq!(there(1).await, [None, None, Some(1_001)]);
    })
    .await;
}

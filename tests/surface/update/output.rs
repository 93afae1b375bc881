//! `output` in keys and in values.

use cached_runtime::{cache, update};

use crate::world::{Runs, begin_and_drop, world};

#[derive(Debug, Clone, PartialEq)]
struct Saved {
    id: u64,
    version: u64,
}

#[cache(key = "u2:{id}", strategy = "write_through", skip(runs), backend = ["local", "far"])]
async fn versions(runs: &Runs, id: u64) -> Option<u64> {
    let _ = id;
    Some(runs.next())
}

#[cache(key = "u2:near:{name}:{id}", strategy = "write_through", backend = "local")]
async fn names(name: &str, id: u64) -> String {
    format!("{name} {id}")
}

#[cache(key = "u2:aside:{id}", backend = "local")]
async fn aside(id: u64) -> u64 {
    id
}

#[update(versions(output.id) = output.version)]
async fn in_both(id: u64) -> Saved {
    Saved { id, version: 70 }
}

#[update(versions(id) = output.version)]
async fn in_the_value(id: u64, fails: bool) -> Result<Option<Saved>, String> {
    if fails {
        return Err("no".to_owned());
    }
    Ok((id > 0).then_some(Saved { id, version: 71 }))
}

#[update(versions(output.id) = version)]
async fn in_the_key(id: u64, version: u64) -> Option<Saved> {
    (id > 0).then_some(Saved { id, version })
}

#[update(versions(output))]
async fn returned(id: u64) -> u64 {
    id
}

#[update(aside(output.id) = output.version)]
async fn removed(id: u64) -> Saved {
    Saved { id, version: 1 }
}

/// The body takes what key and value need after it.
#[update(names(&name, output.id) = format!("{name}, version {}", output.version))]
async fn consuming(name: String, version: u64) -> Saved {
    let id = name.len() as u64;
    drop(name);
    Saved { id, version }
}

#[update(versions(output.id) = output.version)]
async fn stuck(id: u64) -> Saved {
    std::future::pending::<()>().await;
    Saved { id, version: 1 }
}

async fn there(id: u64) -> Option<u64> {
    versions_entry(id).get().await.unwrap()
}

#[tokio::test]
async fn a_value_made_of_it() {
    world(async |world| {
        in_the_value(1, false).await.unwrap();
        assert_eq!(there(1).await, Some(71));
        assert_eq!(world.far.present(), ["u2:1"]);
        in_the_value(1, true).await.unwrap_err();
        assert_eq!(there(1).await, Some(71));
        versions(&Runs::default(), 0).await;
        // The source was written, and what it has now is not known.
        assert_eq!(in_the_value(0, false).await, Ok(None));
        assert_eq!(there(0).await, None);
        assert_eq!(world.far.present(), ["u2:1"]);
    })
    .await;
}

/// What other processes did meanwhile cannot be seen, so nothing is put below.
#[tokio::test]
async fn an_entry_named_by_it_is_put_into_memory_and_removed_below() {
    world(async |world| {
        let runs = Runs::default();
        for id in 1..=3 {
            versions(&runs, id).await;
        }
        in_both(1).await;
        in_the_key(2, 72).await;
        returned(3).await;
        assert_eq!(there(1).await, Some(70));
        assert_eq!(there(2).await, Some(72));
        assert_eq!(there(3).await, Some(3));
        assert!(world.far.present().is_empty());
        assert_eq!(versions(&runs, 1).await, Some(70));
        assert_eq!(runs.count(), 3);
    })
    .await;
}

#[tokio::test]
async fn of_a_none_nothing_is_known() {
    world(async |world| {
        versions(&Runs::default(), 0).await;
        assert_eq!(in_the_key(0, 5).await, None);
        assert_eq!(there(0).await, Some(1));
        assert_eq!(world.far.present(), ["u2:0"]);
    })
    .await;
}

#[tokio::test]
async fn under_cache_aside_the_entry_goes() {
    world(async |_| {
        aside(1).await;
        aside(2).await;
        removed(1).await;
        assert_eq!(aside_entry(1).get().await.unwrap(), None);
        assert_eq!(aside_entry(2).get().await.unwrap(), Some(2));
    })
    .await;
}

#[tokio::test]
async fn arguments_are_copied_for_it() {
    world(async |_| {
        consuming("abc".to_owned(), 4).await;
        assert_eq!(names("abc", 3).await, "abc, version 4");
    })
    .await;
}

#[tokio::test]
async fn a_writer_dropped_before_it_was_known_could_have_written_any() {
    world(async |world| {
        let runs = Runs::default();
        versions(&runs, 1).await;
        versions(&runs, 2).await;
        begin_and_drop(stuck(1));
        world.caches.settle().await;
        assert_eq!((there(1).await, there(2).await), (None, None));
        assert!(world.far.present().is_empty());
    })
    .await;
}

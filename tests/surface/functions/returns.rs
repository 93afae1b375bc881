//! `T`, `Option<T>`, `Result<T, E>`, `Result<Option<T>, E>`: what is kept of each.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use cached_runtime::cache;

use crate::world::{Runs, world};

#[cache(skip(runs), backend = "local")]
async fn plain(runs: &Runs, id: u64) -> (u64, String) {
    (runs.next(), id.to_string())
}

#[cache(skip(runs), backend = "local")]
async fn option(runs: &Runs, id: u64) -> Option<u64> {
    let run = runs.next();
    (id > 0).then_some(run)
}

#[cache(skip(runs), backend = "local")]
async fn result(runs: &Runs, id: u64) -> Result<u64, String> {
    let run = runs.next();
    if id == 0 {
        Err(format!("run {run}"))
    } else {
        Ok(run)
    }
}

#[cache(skip(runs), backend = "local")]
async fn both(runs: &Runs, id: u64) -> Result<Option<u64>, String> {
    let run = runs.next();
    match id {
        0 => Err(format!("run {run}")),
        1 => Ok(None),
        _ => Ok(Some(run)),
    }
}

#[tokio::test]
async fn values_are_kept_and_nothing_else() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(plain(&runs, 5).await, (1, "5".to_owned()));
        }
        let runs = Runs::default();
        for run in 1..=2 {
            assert_eq!(option(&runs, 0).await, None);
            assert_eq!(runs.count(), run);
        }
        for _ in 0..2 {
            assert_eq!(option(&runs, 5).await, Some(3));
        }
        let runs = Runs::default();
        for run in 1..=2 {
            assert_eq!(result(&runs, 0).await, Err(format!("run {run}")));
        }
        for _ in 0..2 {
            assert_eq!(result(&runs, 5).await, Ok(3));
        }
        let runs = Runs::default();
        for run in 1..=2 {
            assert_eq!(both(&runs, 0).await, Err(format!("run {run}")));
        }
        for run in 3..=4 {
            assert_eq!(both(&runs, 1).await, Ok(None));
            assert_eq!(runs.count(), run);
        }
        for _ in 0..2 {
            assert_eq!(both(&runs, 5).await, Ok(Some(5)));
        }
        let entries: (Option<(u64, String)>, Option<u64>) = (
            plain_entry(5).get().await.unwrap(),
            both_entry(5).get().await.unwrap(),
        );
        assert_eq!(entries, (Some((1, "5".to_owned())), Some(5)));
    })
    .await;
}

#[cache(backend = "local")]
async fn unit_result(id: u64) -> Result<(), String> {
    let _ = id;
    Ok(())
}

#[cache(none_ttl = "1m", backend = "local")]
async fn option_of_option(id: u64) -> Option<Option<u64>> {
    Some((id > 0).then_some(id))
}

#[cache(backend = "local")]
async fn shared(id: u64) -> Result<Arc<[String]>, Arc<str>> {
    Ok([id.to_string()].into())
}

#[cache(backend = "local")]
async fn map(id: u64) -> HashMap<u64, Vec<Option<f64>>> {
    HashMap::from([(id, vec![Some(0.5), None])])
}

#[cache(backend = "local")]
async fn function_pointer(id: u64) -> fn(u64) -> u64 {
    let _ = id;
    |value| value + 1
}

#[cache(backend = "local")]
async fn array(id: u8) -> [u8; 3] {
    [id; 3]
}

#[cache(backend = "local")]
async fn of_static(id: u64) -> &'static str {
    if id > 0 { "some" } else { "none" }
}

#[cache(backend = "local")]
async fn object(id: u64) -> Arc<dyn Fn(u64) -> u64 + Send + Sync> {
    Arc::new(move |value| value + id)
}

#[tokio::test]
async fn values_of_any_kind() {
    world(async |_| {
        for _ in 0..2 {
            assert_eq!(unit_result(1).await, Ok(()));
            assert_eq!(option_of_option(1).await, Some(Some(1)));
            assert_eq!(option_of_option(0).await, Some(None));
            assert_eq!(*shared(1).await.unwrap(), ["1".to_owned()]);
            assert_eq!(map(1).await[&1], [Some(0.5), None]);
            assert_eq!(function_pointer(1).await(1), 2);
            assert_eq!(array(1).await, [1, 1, 1]);
            assert_eq!(of_static(1).await, "some");
            assert_eq!(object(1).await(1), 2);
        }
        assert_eq!(unit_result_cache().stats().hits, 1);
        assert_eq!(option_of_option_cache().stats().hits, 2);
        // A hit hands out the same allocation.
        assert!(Arc::ptr_eq(&shared(1).await.unwrap(), &shared(1).await.unwrap()));
        assert_eq!(option_of_option_entry(0).get().await.unwrap(), Some(None));
    })
    .await;
}

/// The error may be of a kind that stays in its thread; the function then does too.
#[cache(backend = "local")]
async fn error_of_one_thread(id: u64) -> Result<u64, Rc<str>> {
    if id > 0 { Ok(id) } else { Err("none".into()) }
}

#[cache(skip(runs), backend = "local")]
async fn boxed_error(runs: &Runs, id: u64) -> Result<u64, Box<dyn std::error::Error>> {
    runs.next();
    let id: u64 = id.checked_sub(1).ok_or("none")?;
    Ok(id)
}

#[tokio::test]
async fn errors_of_any_kind() {
    world(async |_| {
        assert_eq!(error_of_one_thread(0).await, Err("none".into()));
        assert_eq!(error_of_one_thread(1).await, Ok(1));
        let runs = Runs::default();
        assert_eq!(boxed_error(&runs, 0).await.unwrap_err().to_string(), "none");
        assert_eq!(boxed_error(&runs, 1).await.unwrap(), 0);
        assert_eq!(boxed_error(&runs, 1).await.unwrap(), 0);
        assert_eq!(runs.count(), 2);
    })
    .await;
}

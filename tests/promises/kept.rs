//! Calls that are kept and not polled while they are at a store.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::time::Duration;

use cached_runtime::{Caches, cache};
use tokio::time::sleep;

use crate::model::{Model, Step};
use crate::source::{Failed, Source};
use crate::stops::soon;

#[cache(backend = "far", skip(source))]
async fn version(source: &Source, id: usize) -> Result<u64, Failed> {
    source.read(id).await
}

fn caches(model: &Model) -> Caches {
    let builder = Caches::builder().store("near", model.clone());
    builder.store("far", model.clone()).build().unwrap()
}

/// Polls it until it comes to the step that is held.
async fn until<F: Future>(mut call: Pin<&mut F>, arrived: impl Future) {
    let mut arrived = pin!(arrived);
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        arrived.as_mut().poll(context).map(drop)
    })
    .await;
}

#[tokio::test]
async fn who_looks_in_a_store_and_is_not_polled_is_not_waited_for() {
    let (model, source) = (Model::default(), Source::default());
    let work = async {
        let mut get = model.hold(Step::Get);
        let mut kept = pin!(version(&source, 0));
        until(kept.as_mut(), get.arrived()).await;
        source.write(0).await;
        assert_eq!(version(&source, 0).await, Ok(1));
        get.release();
        assert_eq!(kept.await, Ok(1));
    };
    soon(caches(&model).scope(work)).await;
}

#[cache(backend = ["local", "far"], skip(source))]
async fn near(source: &Source, id: usize) -> Result<u64, Failed> {
    source.read(id).await
}

#[cache(entries(near(id) for id in ids), skip(source))]
async fn many(source: &Source, ids: &[usize]) -> Result<Vec<(usize, u64)>, Failed> {
    let mut all = Vec::new();
    for id in ids {
        all.push((*id, source.read(*id).await?));
    }
    Ok(all)
}

/// What has been loaded meanwhile is in memory.
#[tokio::test]
async fn who_goes_on_after_a_look_runs_no_body_for_what_is_there_by_now() {
    let (model, source) = (Model::default(), Source::default());
    let work = async {
        let mut get = model.hold(Step::Get);
        let mut kept = pin!(near(&source, 0));
        until(kept.as_mut(), get.arrived()).await;
        assert_eq!(near(&source, 0).await, Ok(0));
        // Unheard of here.
        source.write(0).await;
        get.release();
        assert_eq!(kept.await, Ok(0));

        let mut get = model.hold(Step::Get);
        let mut kept = pin!(many(&source, &[1, 2]));
        until(kept.as_mut(), get.arrived()).await;
        assert_eq!(near(&source, 1).await, Ok(0));
        source.write(1).await;
        source.write(2).await;
        get.release();
        assert_eq!(kept.await, Ok(vec![(1, 0), (2, 1)]));
    };
    soon(caches(&model).scope(work)).await;
}

/// Its answer is for those who come while it fills the store, which takes as long as the store may, and not as long as
/// it is kept.
#[tokio::test(start_paused = true)]
async fn the_answer_of_who_is_not_polled_is_not_given_for_ever() {
    let (model, source) = (Model::default(), Source::default());
    let (ours, theirs) = (caches(&model), caches(&model));
    let mut fill = model.hold(Step::Fill);
    let mut kept = pin!(ours.scope(version(&source, 0)));
    until(kept.as_mut(), fill.arrived()).await;
    assert_eq!(ours.scope(version(&source, 0)).await, Ok(0));
    sleep(Duration::from_secs(2)).await;
    // As another process would.
    source.write(0).await;
    theirs.scope(version_entry(0).invalidate()).await.unwrap();
    assert_eq!(ours.scope(version(&source, 0)).await, Ok(1));
    fill.release();
    assert_eq!(kept.await, Ok(0));
    assert_eq!(ours.scope(version(&source, 0)).await, Ok(1));
}

//! Which futures may cross threads: those whose body may, whatever their error is.

use std::future::Future;
use std::rc::Rc;

use cached_runtime::{cache, invalidate};
use tokio::task::{LocalSet, yield_now};

use crate::crowd::caches;

fn assert_send<F: Future + Send>(_: F) {}

#[cache(backend = "local")]
async fn plain(id: u64) -> u64 {
    yield_now().await;
    id
}

/// An error that may not cross threads, and cannot be shared.
#[derive(Debug)]
struct Chained(#[expect(dead_code, reason = "only its type matters")] Rc<str>);

#[cache(backend = "local")]
async fn fails_locally(id: u64) -> Result<u64, Chained> {
    yield_now().await;
    if id == 0 {
        Err(Chained("zero".into()))
    } else {
        Ok(id)
    }
}

/// The same where it could be cloned.
#[cache(backend = "local")]
async fn fails_shared(id: u64) -> Result<Option<u64>, Rc<str>> {
    yield_now().await;
    if id == 0 { Err("zero".into()) } else { Ok(Some(id)) }
}

#[invalidate(fails_locally(id))]
async fn writes_locally(id: u64) -> Result<(), Rc<str>> {
    yield_now().await;
    if id == 0 { Err("zero".into()) } else { Ok(()) }
}

#[invalidate(fails_locally(output))]
async fn writes_output(id: u64) -> Result<u64, Rc<str>> {
    yield_now().await;
    if id == 0 { Err("zero".into()) } else { Ok(id) }
}

struct Repository<T>(T);

impl<T: Sync> Repository<T> {
    #[cache(key = "repository:{id}", backend = "local", skip(self))]
    async fn find(&self, id: &str) -> Result<String, Rc<str>> {
        yield_now().await;
        let _ = &self.0;
        Ok(id.to_owned())
    }
}

#[test]
fn a_call_may_cross_threads_if_its_body_may() {
    assert_send(plain(1));
    assert_send(plain_uncached(1));
    assert_send(fails_locally(1));
    assert_send(fails_shared(1));
    assert_send(writes_locally(1));
    assert_send(writes_output(1));
    let repository = Repository(1);
    assert_send(repository.find("a"));
    assert_send(async { plain_entry(1).insert(1).await });
    assert_send(async { plain_entry(1).get().await });
    assert_send(async { plain_entry(1).invalidate().await });
    assert_send(async { plain_cache().clear().await });
    assert_send(async { plain_cache().invalidate_pattern("*").await });
}

#[cache(backend = "local", skip(here))]
async fn stays(here: Rc<u64>, id: u64) -> u64 {
    let inside = Rc::clone(&here);
    yield_now().await;
    id + *inside
}

#[tokio::test]
async fn a_body_that_stays_on_its_thread_is_shared_there() {
    let local = LocalSet::new();
    let caches = caches();
    let work = async {
        let here = Rc::new(40);
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let (caches, here) = (caches.clone(), Rc::clone(&here));
                tokio::task::spawn_local(async move { caches.scope(stays(here, 2)).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 42);
        }
        let stats = caches.scope(async { stays_cache().stats() }).await;
        assert_eq!((stats.loads, stats.misses), (1, 100));
        // An error that stays on its thread reaches those who can have it, one run each.
        caches
            .scope(async {
                let (a, b) = tokio::join!(fails_shared(0), fails_shared(0));
                assert!(a.is_err() && b.is_err());
                assert!(fails_locally(0).await.is_err());
                assert!(writes_locally(0).await.is_err());
                assert_eq!(writes_output(1).await, Ok(1));
                assert_eq!(plain(7).await, 7);
                assert_eq!(Repository(1).find("a").await.as_deref(), Ok("a"));
            })
            .await;
    };
    local.run_until(work).await;
}

//! What is in force where no scope is: one `Caches` for the process. In a program of its own, since it can be installed
//! once.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, ErrorKind, cache, invalidate};

static RUNS: AtomicU64 = AtomicU64::new(0);

#[cache(backend = "local")]
async fn users(id: u64) -> u64 {
    let _ = id;
    RUNS.fetch_add(1, SeqCst) + 1
}

#[invalidate(users(id))]
async fn write(id: u64) {
    let _ = id;
}

fn loads(caches: &Caches) -> u64 {
    caches.stats().caches.iter().map(|cache| cache.loads).sum()
}

#[tokio::test]
async fn the_installed_one_is_in_force_wherever_no_scope_is() {
    let installed = Caches::builder().build().unwrap();
    installed.install().unwrap();

    // A second one is refused, and nothing changes.
    let other = Caches::builder().build().unwrap();
    for again in [&other, &installed] {
        let error = again.install().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("install one only"), "{error}");
    }

    assert_eq!(users(1).await, 1);
    assert_eq!(users(1).await, 1);
    assert_eq!(loads(&installed), 1);
    assert_eq!(loads(&Caches::current()), 1);

    // A scope is another one, and a task that is spawned inside is not in it.
    other
        .scope(async {
            assert_eq!(users(1).await, 2);
            assert_eq!(tokio::spawn(users(1)).await.unwrap(), 1);
            let entry = tokio::spawn(async { users_entry(1).get().await.unwrap() });
            assert_eq!(entry.await.unwrap(), Some(1));
            tokio::spawn(write(1)).await.unwrap();
            assert_eq!(users(1).await, 2);
            // Unless it is told.
            let current = Caches::current();
            assert_eq!(
                tokio::spawn(async move { current.scope(users(1)).await })
                    .await
                    .unwrap(),
                2
            );
        })
        .await;
    assert_eq!((loads(&installed), loads(&other)), (1, 1));
    assert_eq!(users(1).await, 3);
    assert_eq!(loads(&installed), 2);

    // Threads and runtimes are all of one process.
    let elsewhere = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(users(1))
    });
    assert_eq!(elsewhere.join().unwrap(), 3);
}

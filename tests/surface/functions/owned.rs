//! Arguments of functions whose body may run after the call: what is borrowed is copied, when such a run starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{KeyPart, cache};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::{secs, world};

/// Counts its copies.
#[derive(Default)]
struct Db {
    copies: Arc<AtomicU64>,
    runs: Arc<AtomicU64>,
}

impl Clone for Db {
    fn clone(&self) -> Self {
        self.copies.fetch_add(1, SeqCst);
        Self {
            copies: Arc::clone(&self.copies),
            runs: Arc::clone(&self.runs),
        }
    }
}

impl Db {
    fn run(&self) -> u64 {
        self.runs.fetch_add(1, SeqCst) + 1
    }

    #[cache(key = "method:{id}", ttl = "100s", refresh = "50%", skip(self))]
    async fn method(&self, id: &str) -> Result<String, String> {
        Ok(format!("{id} {}", self.run()))
    }

    #[cache(key = "shared:{id}", ttl = "100s", stale = "50s", skip(self))]
    async fn shared(self: Arc<Self>, id: u64) -> u64 {
        id + self.run()
    }

    #[cache(key = "lent:{id}", ttl = "100s", stale = "50s", skip(self))]
    async fn lent(self: &Arc<Self>, id: u64) -> u64 {
        id + self.run()
    }
}

#[cache(ttl = "100s", refresh = "50%", skip(db, _path, names, _unused))]
#[expect(clippy::too_many_arguments, reason = "one of each kind")]
async fn all(
    db: &Db,
    text: &str,
    list: &[u64],
    pair: &(u8, String),
    _path: &Path,
    names: Vec<String>,
    maybe: Option<u64>,
    mut number: u64,
    fixed: &'static str,
    _unused: impl Fn(u64) -> u64 + Send + 'static,
) -> Option<String> {
    number += db.run();
    Some(format!(
        "{text} {list:?} {pair:?} {names:?} {maybe:?} {number} {fixed}"
    ))
}

#[cache(key = "generic:{id}", ttl = "100s", refresh = "50%", skip(db))]
async fn generic<T, const N: usize>(db: &Db, id: &T) -> Option<[T; N]>
where
    T: KeyPart + Copy + Send + Sync + Serialize + DeserializeOwned + 'static,
    [T; N]: Serialize + DeserializeOwned,
{
    db.run();
    Some([*id; N])
}

#[cache(key = "future:{id}", ttl = "100s", refresh = "50%", skip(db))]
#[expect(clippy::manual_async_fn, reason = "the form that is tested")]
fn future<'a>(db: &'a Db, id: &'a str) -> impl Future<Output = String> + Send + 'a {
    async move { format!("{id} {}", db.run()) }
}

#[tokio::test]
async fn every_kind_is_taken_along() {
    world(async |world| {
        let db = Db::default();
        let call = async || {
            let path = PathBuf::from("/");
            let names = vec!["a".to_owned()];
            all(
                &db,
                "t",
                &[1, 2],
                &(3, "p".to_owned()),
                &path,
                names,
                Some(4),
                10,
                "f",
                |n| n,
            )
            .await
        };
        let first = "t [1, 2] (3, \"p\") [\"a\"] Some(4) 11 f";
        assert_eq!(call().await.as_deref(), Some(first));
        world.clock.advance(secs(60));
        assert_eq!(call().await.as_deref(), Some(first));
        world.caches.settle().await;
        assert_eq!(call().await.unwrap(), first.replace("11", "12"));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_copied_until_a_run_starts() {
    world(async |world| {
        let db = Db::default();
        for _ in 0..3 {
            db.method("a").await.unwrap();
        }
        assert_eq!(db.copies.load(SeqCst), 0);
        world.clock.advance(secs(60));
        assert_eq!(db.method("a").await.unwrap(), "a 1");
        world.caches.settle().await;
        assert_eq!(db.copies.load(SeqCst), 1);
        assert_eq!(db.method("a").await.unwrap(), "a 2");
        assert_eq!(db.copies.load(SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn receivers_and_generics_and_futures_are_as_good() {
    world(async |world| {
        let db = Arc::new(Db::default());
        let call = async || {
            let generic = generic::<u64, 2>(&db, &7).await.unwrap();
            assert_eq!(generic, [7, 7]);
            let shared = Arc::clone(&db).shared(10).await;
            (shared, db.lent(20).await, future(&db, "x").await)
        };
        let first = call().await;
        assert_eq!(first, (12, 23, "x 4".to_owned()));
        world.clock.advance(secs(120));
        // Of the two that may be stale; the other two are gone.
        let later = call().await;
        assert_eq!((later.0, later.1), (12, 23));
        world.caches.settle().await;
        let newest = call().await;
        assert!(newest.0 > 12 && newest.1 > 23, "{newest:?}");
    })
    .await;
}

//! Functions whose body runs in the background, in every form that a function may have.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, KeyPart, cache};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::{secs, world};

static RUNS: AtomicU64 = AtomicU64::new(0);

fn run() -> u64 {
    RUNS.fetch_add(1, SeqCst)
}

#[derive(Clone)]
struct Repo<T, const N: usize = 3> {
    tenant: T,
}

impl<T: KeyPart + Clone + Send + Sync + 'static, const N: usize> Repo<T, N> {
    #[cache(
        key = "again_repo:{self.tenant}:{id}",
        ttl = "100s",
        refresh = "50%",
        in_impl = true
    )]
    async fn find(&self, id: u64) -> Option<u64>
    where
        T: PartialEq,
    {
        Some(run() + id)
    }

    #[cache(ttl = "100s", refresh = "50%", skip(self), in_impl = true)]
    async fn typed<K>(&self, r#match: &K) -> Result<K, Box<dyn Error>>
    where
        Self: Sized,
        K: KeyPart + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        run();
        Ok(r#match.clone())
    }

    #[cache(ttl = "100s", stale = "50s", skip(self), in_impl = true)]
    async fn r#type(mut self: Arc<Self>, mut r#loop: String) -> Result<String, std::io::Error> {
        if let Some(this) = Arc::get_mut(&mut self) {
            this.tenant = this.tenant.clone();
        }
        r#loop.push('!');
        run();
        Ok(r#loop)
    }

    #[cache(ttl = "100s", stale = "50s", skip(self), in_impl = true)]
    fn boxed<'a>(&'a self, id: &'a str) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
        Box::pin(async move {
            run();
            id.len()
        })
    }
}

trait Find {
    async fn found(&self, id: u64) -> Option<u64>;
}

impl Find for Repo<u64> {
    async fn found(&self, id: u64) -> Option<u64> {
        self.find(id).await
    }
}

macro_rules! made {
    ($(#[$attr:meta])* $vis:vis $name:ident($($arg:ident: $ty:ty),*) -> $out:ty { $($body:tt)* }) => {
        #[cache(ttl = "100s", strategy = "refresh_ahead")]
        $(#[$attr])*
        $vis async fn $name($($arg: $ty),*) -> $out { $($body)* }
    };
}

made! {
    /// Documented.
    pub(crate) made(name: &str, list: &[u8], id: u64) -> Result<String, String> {
        run();
        Ok(format!("{name}{list:?}{id}"))
    }
}

type Shout = fn(&str) -> String;

trait Speak: Send + Sync {
    fn speak(&self) -> u64;
}

impl Speak for u64 {
    fn speak(&self) -> u64 {
        *self
    }
}

#[cache(ttl = "100s", refresh = "50%", caches = again, skip(again, shape, share, body))]
async fn names(
    again: &Caches,
    reload: u64,
    found: &str,
    shape: Shout,
    share: &Arc<dyn Speak>,
    body: impl Into<u64> + Send + 'static,
) -> Result<Option<u64>, Arc<str>> {
    let _ = (again, shape(found));
    run();
    Ok(Some(reload + share.speak() + body.into()))
}

#[tracing::instrument(skip_all)]
#[cache(ttl = "100s", refresh = "50%")]
async fn outside(id: &u64) -> u64 {
    run() + id
}

#[cache(ttl = "100s", refresh = "50%")]
#[tracing::instrument(skip_all)]
async fn inside(id: &u64) -> u64 {
    run() + id
}

#[cache(ttl = "100s", refresh = "50%", share_error = |_| Unclonable)]
async fn unclonable(id: u64) -> Result<u64, Unclonable> {
    if id == 0 { Err(Unclonable) } else { Ok(run()) }
}

#[derive(Debug)]
struct Unclonable;

#[tokio::test]
async fn each_is_loaded_again() {
    world(async |world| {
        #[cache(ttl = "100s", refresh = "50%", backend = "local")]
        async fn nested(id: u64) -> u64 {
            run() + id
        }
        let repo = Repo::<u64> { tenant: 7 };
        let shared = Arc::new(repo.clone());
        let speaker: Arc<dyn Speak> = Arc::new(3_u64);
        let all = async || {
            repo.found(1).await;
            assert_eq!(repo.typed(&"k".to_owned()).await.unwrap(), "k");
            assert_eq!(Arc::clone(&shared).r#type("a".to_owned()).await.unwrap(), "a!");
            assert_eq!(repo.boxed("four").await, 4);
            assert_eq!(made("a", &[1], 2).await.unwrap(), "a[1]2");
            let shout: Shout = str::to_uppercase;
            assert_eq!(
                names(&world.caches, 1, "x", shout, &speaker, 4_u8).await,
                Ok(Some(8))
            );
            outside(&1).await;
            inside(&1).await;
            unclonable(1).await.unwrap();
            nested(1).await;
        };
        all().await;
        assert_eq!(RUNS.load(SeqCst), 10);
        world.clock.advance(secs(60));
        all().await;
        world.caches.settle().await;
        // The two with `stale` alone and the one at 80 % are not due.
        assert_eq!(RUNS.load(SeqCst), 17);
        world.clock.advance(secs(49));
        all().await;
        world.caches.settle().await;
        assert_eq!(RUNS.load(SeqCst), 20);
    })
    .await;
}

//! Loads racing invalidations from several processes, as far as the server can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use cached_runtime::stores::{Memcached, Redis, Sql};
use cached_runtime::testing::conformance;
use cached_runtime::{BoxFuture, Error, Filled, Guarantees, Lookup, Store, Token};
use cached_tests::{Folder, MariaDbServer, MemcachedServer, PostgresServer, RedisServer};
use tokio::time::sleep;

/// Several connections to one server, each call through the next: no order holds between any two of them. A fill goes
/// the way its token came, as every process fills with its own.
struct Turns<S> {
    stores: Vec<S>,
    next: AtomicUsize,
}

impl<S: Store> Turns<S> {
    fn of(stores: Vec<S>) -> Self {
        Self {
            stores,
            next: AtomicUsize::new(0),
        }
    }

    fn turn(&self) -> usize {
        self.next.fetch_add(1, Relaxed) % self.stores.len()
    }

    fn next(&self) -> &S {
        &self.stores[self.turn()]
    }
}

fn from(turn: usize, token: &Token) -> Token {
    Token::new([&turn.to_le_bytes(), token.as_bytes()].concat())
}

fn way(token: &Token) -> (usize, Token) {
    let (turn, token) = token.as_bytes().split_first_chunk().unwrap();
    (usize::from_le_bytes(*turn), Token::new(token))
}

impl<S: Store> Store for Turns<S> {
    fn guarantees(&self) -> Guarantees {
        self.stores[0].guarantees()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move {
            let turn = self.turn();
            Ok(match self.stores[turn].get(key).await? {
                Lookup::Missing(token) => Lookup::Missing(from(turn, &token)),
                found @ Lookup::Found(_) => found,
            })
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            let turn = self.turn();
            Ok(from(turn, &self.stores[turn].reserve(key).await?))
        })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move {
            let (turn, token) = way(token);
            self.stores[turn].fill(key, bytes, ttl, &token).await
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.next().put(key, bytes, ttl)
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        self.next().remove(keys)
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.next().remove_matching(pattern, wanted)
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        self.next().remaining(key)
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.next().ping()
    }

    fn describe(&self) -> String {
        format!(
            "{} connections to {}",
            self.stores.len(),
            self.stores[0].describe()
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_fill_lands_from_any_of_several_connections() {
    let server = RedisServer::unix().await;
    // A database with more in it than one step of a scan takes, so that removals by pattern take several.
    let _: i64 = server
        .cli(&[
            "EVAL",
            "for n = 1, 3000 do redis.call('SET', 'other:' .. n, 'x') end return 1",
            "0",
        ])
        .await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(Redis::connect(server.url()).await.unwrap());
    }
    let store: Arc<dyn Store> = Arc::new(Turns::of(connections));
    let forgetful = async {
        loop {
            let _: String = server.cli(&["SCRIPT", "FLUSH"]).await;
            sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::select! {
        () = forgetful => {}
        () = races(&store) => {}
    }
}

async fn races(store: &Arc<dyn Store>) {
    let race = conformance::cases().find(|case| case.name() == "race").unwrap();
    let running: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move { race.run(&store).await })
        })
        .collect();
    for race in running {
        if let Err(why) = race.await.unwrap() {
            panic!("{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_fill_lands_on_memcached_from_any_of_several_connections() {
    let server = MemcachedServer::start().await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(Memcached::connect([server.address()]).await.unwrap());
    }
    let store: Arc<dyn Store> = Arc::new(Turns::of(connections));
    // All is lost again and again, leases included, and the counter goes on.
    let forgetful = async {
        loop {
            server.say("flush_all").await;
            sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::select! {
        () = forgetful => {}
        () = races(&store) => {}
    }
    let stats = server.stats().await;
    let count = |name: &str| stats[name].parse::<u64>().unwrap();
    // Both happened, and often.
    assert!(count("cas_hits") > 50, "{stats:?}");
    assert!(count("cas_badval") + count("cas_misses") > 50, "{stats:?}");
}

/// The same from several pools, which is what several processes have.
async fn races_from_several_pools(url: &str) {
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(Sql::builder(url).pool_size(3).connect().await.unwrap());
    }
    // More than one page of a removal by pattern.
    for n in 0..2_500 {
        stores[0].put(&format!("other:{n}"), b"x", None).await.unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(Turns::of(stores));
    races(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_fill_lands_in_mariadb() {
    races_from_several_pools(&MariaDbServer::start().await.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_fill_lands_in_postgres() {
    races_from_several_pools(&PostgresServer::start().await.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_fill_lands_in_sqlite() {
    let folder = Folder::new();
    races_from_several_pools(&format!("sqlite://{}", folder.file("cache.db"))).await;
}

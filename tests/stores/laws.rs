//! Every store against every law. A new store adds one function here.

use std::sync::Arc;

use cached_runtime::Store;
use cached_runtime::stores::{Memcached, Null, Redis, Sql};
use cached_runtime::testing::conformance;
use cached_tests::{
    Folder, MariaDbServer, MemcachedServer, PostgresServer, RedisCluster, RedisSentinel, RedisServer,
};

use crate::model::Model;

async fn keeps_every_law(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    if let Err(broken) = conformance::check(&store).await {
        panic!("{}\n{broken}", store.describe());
    }
}

#[tokio::test]
async fn in_memory() {
    keeps_every_law(Model::sound()).await;
    keeps_every_law(Model::sound().without_tokens()).await;
    keeps_every_law(Model::sound().without_patterns()).await;
}

/// What keeps nothing breaks the laws of keeping, and no other.
#[tokio::test]
async fn null() {
    let store: Arc<dyn Store> = Arc::new(Null);
    let mut kept = Vec::new();
    for case in conformance::cases() {
        if case.run(&store).await.is_ok() {
            kept.push(case.name());
        }
    }
    assert_eq!(
        kept,
        ["remove_many", "serves", "touch_absent", "no_patterns", "race"]
    );
}

#[tokio::test]
async fn redis_over_tcp() {
    let server = RedisServer::start().await;
    keeps_every_law(Redis::connect(server.url()).await.unwrap()).await;
    assert_eq!(
        server.cli::<i64>(&["DBSIZE"]).await,
        0,
        "the suite cleans up, leases included"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_on_a_socket_file() {
    let server = RedisServer::unix().await;
    keeps_every_law(Redis::connect(server.url()).await.unwrap()).await;
}

#[tokio::test]
async fn redis_with_a_user_and_password() {
    let server = RedisServer::with_password("shop", "p@ss:w/rd%").await;
    keeps_every_law(Redis::connect(server.url()).await.unwrap()).await;
}

#[tokio::test]
async fn redis_over_tls() {
    let server = RedisServer::tls().await;
    let builder = Redis::builder(server.url()).root_certificates(server.root_certificate());
    keeps_every_law(builder.connect().await.unwrap()).await;
}

#[tokio::test]
async fn redis_that_speaks_only_resp2() {
    let server = RedisServer::setup()
        .option("rename-command HELLO \"\"")
        .start()
        .await;
    keeps_every_law(Redis::connect(server.url()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_cluster() {
    let cluster = RedisCluster::start().await;
    keeps_every_law(Redis::connect(cluster.url()).await.unwrap()).await;
    assert_eq!(
        cluster.keys().await,
        [""; 0],
        "the suite cleans up, leases included"
    );
}

#[tokio::test]
async fn redis_cluster_over_tls_with_a_user_and_password() {
    let secure = |first: Option<&RedisServer>| {
        let setup = RedisServer::setup().password("shop", "p@ss:w/rd%");
        setup.tls_in_cluster(first)
    };
    let cluster = RedisCluster::of(0, secure).await;
    let builder = Redis::builder(cluster.url()).root_certificates(cluster.node(0).root_certificate());
    keeps_every_law(builder.connect().await.unwrap()).await;
}

#[tokio::test]
async fn redis_behind_sentinels() {
    let sentinels = RedisSentinel::start().await;
    keeps_every_law(Redis::connect(sentinels.url()).await.unwrap()).await;
}

#[tokio::test]
async fn redis_behind_sentinels_with_passwords_for_both() {
    let sentinels = RedisSentinel::with_passwords().await;
    keeps_every_law(Redis::connect(sentinels.url()).await.unwrap()).await;
}

/// A law is about values of a mebibyte, which takes a little more with its head.
const LARGE: [&str; 2] = ["-I", "2m"];

#[tokio::test]
async fn memcached_over_tcp() {
    let server = MemcachedServer::with(&LARGE).await;
    keeps_every_law(Memcached::connect([server.address()]).await.unwrap()).await;
    assert_eq!(server.items().await, 0, "the suite cleans up, leases included");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memcached_on_a_socket_file() {
    let server = MemcachedServer::unix(&LARGE).await;
    keeps_every_law(Memcached::connect([server.address()]).await.unwrap()).await;
}

#[tokio::test]
async fn memcached_on_three_servers_of_different_weight() {
    let [one, two, three] = [
        MemcachedServer::with(&LARGE).await,
        MemcachedServer::unix(&LARGE).await,
        MemcachedServer::with(&LARGE).await,
    ];
    let builder = Memcached::builder([one.address(), two.address()]).weighted(three.address(), 2);
    keeps_every_law(builder.connect().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb() {
    let server = MariaDbServer::start().await;
    for url in [server.url(), server.socket_url()] {
        keeps_every_law(Sql::connect(url).await.unwrap()).await;
    }
    assert_eq!(
        server.sql("SELECT COUNT(*) FROM cached_entries"),
        "0",
        "the suite cleans up, leases included"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let server = PostgresServer::start().await;
    for url in [server.url(), server.socket_url()] {
        keeps_every_law(Sql::connect(url).await.unwrap()).await;
    }
    assert_eq!(server.sql("SELECT COUNT(*) FROM cached_entries"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = Folder::new();
    let file = format!("sqlite://{}", folder.file("cache.db"));
    keeps_every_law(Sql::connect(file).await.unwrap()).await;
    keeps_every_law(Sql::connect("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_and_postgres_over_tls() {
    let mariadb = MariaDbServer::tls().await;
    let url = format!(
        "{}?ssl-mode=VERIFY_CA&ssl-ca={}",
        mariadb.url(),
        mariadb.root_certificate()
    );
    keeps_every_law(Sql::connect(url).await.unwrap()).await;
    let postgres = PostgresServer::tls().await;
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        postgres.url(),
        postgres.root_certificate()
    );
    keeps_every_law(Sql::connect(url).await.unwrap()).await;
}

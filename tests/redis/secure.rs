//! An encrypted connection to a server that asks for a password, from end to end.

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, cache, invalidate};
use cached_tests::RedisServer;

use crate::setup::{Source, on};

#[cache(key = "secret:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn secret(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[invalidate(secret(id))]
async fn change(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[tokio::test]
async fn entries_travel_over_tls_with_a_password() {
    let server = RedisServer::setup()
        .tls()
        .password("shop", "s3:cr@t/?#%")
        .start()
        .await;
    let connect = async || {
        Redis::builder(server.url())
            .root_certificates(server.root_certificate())
            .connect()
            .await
            .unwrap()
    };
    let source = Source::of(1);
    let (first, second) = (
        on(connect().await).build().unwrap(),
        on(connect().await).build().unwrap(),
    );
    assert_eq!(first.scope(secret(&source, 1)).await, 1);
    assert_eq!(second.scope(secret(&source, 1)).await, 1);
    assert_eq!(source.loads(), 1);
    second.scope(change(&source, 1, 2)).await;
    assert_eq!(first.scope(secret(&source, 1)).await, 2);
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:secret:1"]).await, 1);
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();

    // A password that is wrong is told at once, and not to everybody.
    let wrong = server.url().replace("s3", "s4");
    assert_ne!(wrong, server.url());
    let error = Redis::builder(wrong)
        .root_certificates(server.root_certificate())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error} {error:?}").contains("s4"), "{error:?}");
}

#[tokio::test]
async fn a_server_nobody_vouches_for_is_not_used() {
    let server = RedisServer::tls().await;
    let source = Source::of(1);
    // With the public authorities only.
    let caches = on(Redis::connect(server.url()).await.unwrap()).build().unwrap();
    for _ in 0..5 {
        assert_eq!(caches.scope(secret(&source, 1)).await, 1);
    }
    assert_eq!(source.loads(), 5);
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
}

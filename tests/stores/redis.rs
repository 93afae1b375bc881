//! The Redis store: its commands and its addresses. The laws are checked in `laws`, the connection in `healing`.

use std::sync::Once;
use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, Filled, Lookup, Store, Token};
use cached_tests::RedisServer;

pub(crate) async fn missing(store: &impl Store, key: &str) -> Token {
    match store.get(key).await.unwrap() {
        Lookup::Missing(token) => token,
        Lookup::Found(found) => panic!("{key} is there: {found:?}"),
    }
}

#[tokio::test]
async fn scripts_are_told_again_to_a_server_that_forgot_them() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    for round in 0..3 {
        let _: String = server.cli(&["SCRIPT", "FLUSH"]).await;
        let key = format!("shop:{round}");
        let token = missing(&store, &key).await;
        let _: String = server.cli(&["SCRIPT", "FLUSH"]).await;
        assert_eq!(
            store.fill(&key, b"1", None, &token).await.unwrap(),
            Filled::Stored
        );
        let _: String = server.cli(&["SCRIPT", "FLUSH"]).await;
        store.put(&key, b"2", None).await.unwrap();
    }
}

#[tokio::test]
async fn a_used_lease_is_gone_and_an_unused_one_expires() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    let token = missing(&store, "shop:a").await;
    assert_eq!(
        server.cli::<Vec<String>>(&["KEYS", "*"]).await,
        ["{shop:a}:lease"]
    );
    let left: i64 = server.cli(&["PTTL", "{shop:a}:lease"]).await;
    assert!((50_000..=60_000).contains(&left), "{left}");
    store.fill("shop:a", b"1", None, &token).await.unwrap();
    assert_eq!(server.cli::<Vec<String>>(&["KEYS", "*"]).await, ["shop:a"]);
}

#[tokio::test]
async fn a_database_is_kept_to() {
    let server = RedisServer::unix().await;
    let third = Redis::connect(format!("{}?db=3", server.url())).await.unwrap();
    third.put("shop:a", b"1", None).await.unwrap();
    let first = Redis::connect(server.url()).await.unwrap();
    missing(&first, "shop:a").await;
}

#[tokio::test]
async fn a_full_server_refuses_a_put_which_has_revoked_all_the_same() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.put("shop:a", b"old", None).await.unwrap();
    let token = store.reserve("shop:a").await.unwrap();
    let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store.put("shop:a", b"new", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
    assert!(
        store
            .fill("shop:b", b"1", None, &token)
            .await
            .is_ok_and(|filled| filled == Filled::Refused)
    );
    let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(
        store.fill("shop:a", b"old", None, &token).await.unwrap(),
        Filled::Refused
    );
    missing(&store, "shop:a").await;
}

#[tokio::test]
async fn a_full_server_refuses_a_fill_and_goes_on_serving_look_ups() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.put("shop:kept", b"1", None).await.unwrap();
    let early = missing(&store, "shop:a").await;
    let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store.fill("shop:a", b"1", None, &early).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
    assert!(matches!(store.get("shop:kept").await.unwrap(), Lookup::Found(_)));
    let late = missing(&store, "shop:b").await;
    let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(
        store.fill("shop:b", b"1", None, &late).await.unwrap(),
        Filled::Refused
    );
    assert_eq!(
        store.fill("shop:a", b"1", None, &early).await.unwrap(),
        Filled::Stored
    );
}

#[tokio::test]
async fn refused_credentials_are_an_error_at_once_and_stay_secret() {
    let server = RedisServer::with_password("shop", "s3cretyes").await;
    for url in [
        server.url().replace("s3cretyes", "s3cretno"),
        server.url().replace("shop:s3cretyes@", ""),
        format!("{}/99", server.url()),
    ] {
        let error = Redis::connect(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    let store = Redis::connect(server.url()).await.unwrap();
    store.ping().await.unwrap();
    assert!(!format!("{store:?} {}", store.describe()).contains("s3cret"));
}

#[tokio::test]
async fn a_server_that_speaks_only_resp2_serves_and_its_refusal_tells_no_password() {
    let server = RedisServer::setup()
        .password("shop", "s3cret")
        .option("rename-command HELLO \"\"")
        .start()
        .await;
    let store = Redis::connect(server.url()).await.unwrap();
    let token = missing(&store, "shop:a").await;
    assert_eq!(
        store.fill("shop:a", b"1", None, &token).await.unwrap(),
        Filled::Stored
    );
    let error = Redis::connect(server.url().replace("s3cret", "s3cretnot"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_key_of_another_type_is_an_error_that_a_put_cures() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    let _: i64 = server.cli(&["RPUSH", "shop:a", "x"]).await;
    assert_eq!(store.get("shop:a").await.unwrap_err().kind(), ErrorKind::Decode);
    store
        .put("shop:a", b"1", Some(Duration::from_secs(9)))
        .await
        .unwrap();
    assert!(matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)));
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_not_accepted() {
    let server = RedisServer::tls().await;
    let stranger = Redis::connect(server.url()).await.unwrap();
    assert_eq!(stranger.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let store = Redis::builder(server.url())
        .root_certificates(server.root_certificate())
        .connect()
        .await
        .unwrap();
    store.ping().await.unwrap();
    assert!(store.describe().starts_with("rediss://127.0.0.1:"));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_a_mistake() {
    for url in ["redis://127.0.0.1:1", "rediss://127.0.0.1:1"] {
        let mistake = Redis::builder(url)
            .root_certificates("x")
            .connect()
            .await
            .unwrap_err();
        assert_eq!(mistake.kind(), ErrorKind::Configuration);
        let mistake = Redis::builder(url)
            .client_certificate("x", "y")
            .connect()
            .await
            .unwrap_err();
        assert_eq!(mistake.kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.close().await;
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Closed);
}

/// `wanted` is called between a step's scan and its removal, so a fill made inside it lands at a known moment.
#[tokio::test]
async fn a_fill_that_lands_while_a_pattern_is_removed_does_not_outlast_it() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.put("shop:present", b"1", None).await.unwrap();
    let token = missing(&store, "shop:absent").await;
    let fill_once = Once::new();
    let url = server.url();
    let wanted = |_: &str| {
        fill_once.call_once(|| {
            let (url, token) = (url.clone(), token.clone());
            let other = move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let other = Redis::connect(url).await.unwrap();
                    other.fill("shop:absent", b"stale", None, &token).await.unwrap()
                })
            };
            let filled = std::thread::spawn(other).join().unwrap();
            assert_eq!(
                filled,
                Filled::Stored,
                "the fill came before its lease was revoked"
            );
        });
        true
    };
    assert_eq!(store.remove_matching("shop:*", &wanted).await.unwrap(), 2);
    missing(&store, "shop:absent").await;
}

#[tokio::test]
async fn a_pattern_that_ends_inside_a_class_or_an_escape_revokes_what_it_matches() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    for (pattern, key) in [("shop:[ab", "shop:a"), (r"shop:\", r"shop:\")] {
        let token = missing(&store, key).await;
        assert_eq!(store.remove_matching(pattern, &|_| true).await.unwrap(), 0);
        assert_eq!(
            store.fill(key, b"stale", None, &token).await.unwrap(),
            Filled::Refused,
            "{pattern}"
        );
    }
}

//! The SQL store: its rows, its sweeps and its connections. The laws are checked in `laws`.

use std::sync::Once;
use std::time::{Duration, Instant};

use cached_runtime::stores::Sql;
use cached_runtime::{ErrorKind, Filled, Lookup, Store};
use cached_tests::{Database, MariaDbServer, PostgresServer, SqliteFile};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::redis::missing;

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

pub(crate) async fn databases() -> [Database; 3] {
    [
        Database::mariadb().await,
        Database::postgres().await,
        Database::sqlite(),
    ]
}

#[tokio::test]
async fn an_entry_and_its_lease_are_one_row() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        let token = missing(&store, "shop:a").await;
        assert_eq!(database.count("value IS NULL AND token IS NOT NULL"), 1);
        assert_eq!(
            missing(&store, "shop:a").await,
            token,
            "shared while it has a minute"
        );
        assert_eq!(
            store.fill("shop:a", b"1", MINUTE, &token).await.unwrap(),
            Filled::Stored
        );
        assert_eq!(database.count("value IS NOT NULL AND token IS NULL"), 1);
        assert_eq!(database.count("1 = 1"), 1);
        store.remove(&["shop:a".to_owned()]).await.unwrap();
        assert_eq!(database.count("1 = 1"), 0, "{}", database.name());
    }
}

#[tokio::test]
async fn a_lease_that_has_less_than_a_minute_left_is_renewed_and_one_that_has_ended_fills_nothing() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        let token = missing(&store, "shop:a").await;
        database.sql("UPDATE cached_entries SET leased_until = leased_until - 40000");
        let young = "leased_until > expires_at - 10000";
        assert_eq!(database.count(young), 0);
        assert_eq!(missing(&store, "shop:a").await, token);
        assert_eq!(database.count(young), 1);
        database.sql("UPDATE cached_entries SET leased_until = leased_until - 90001");
        assert_eq!(
            store.fill("shop:a", b"1", None, &token).await.unwrap(),
            Filled::Refused
        );
        assert_ne!(missing(&store, "shop:a").await, token);
        assert_eq!(
            store.fill("shop:a", b"1", None, &token).await.unwrap(),
            Filled::Refused
        );
    }
}

#[tokio::test]
async fn a_touch_changes_the_life_and_nothing_else() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        let hour = Duration::from_secs(3600);
        assert!(!store.touch("shop:a", hour).await.unwrap());
        store.put("shop:a", b"1", None).await.unwrap();
        let token = store.reserve("shop:a").await.unwrap();
        assert!(store.touch("shop:a", hour).await.unwrap());
        assert!(
            store.touch("shop:a", hour).await.unwrap(),
            "of the same millisecond too"
        );
        let left = store.remaining("shop:a").await.unwrap().unwrap().unwrap();
        assert!(left > hour - Duration::from_secs(10) && left <= hour, "{left:?}");
        assert_eq!(
            store.fill("shop:a", b"2", None, &token).await.unwrap(),
            Filled::Stored
        );
        assert!(store.touch("shop:a", Duration::ZERO).await.unwrap());
        missing(&store, "shop:a").await;
        assert!(!store.touch("shop:a", hour).await.unwrap(), "it has expired");
        assert!(
            !store.touch("shop:b", hour).await.unwrap(),
            "an absent key with a lease"
        );
    }
}

#[tokio::test]
async fn a_pattern_revokes_and_removes_over_many_pages_while_a_fill_lands() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        for n in 0..1_500 {
            store.put(&format!("shop:{n:04}"), b"1", MINUTE).await.unwrap();
        }
        // Of keys whose heads, the first 128 bytes, are the same.
        let long = "x".repeat(200);
        for n in 0..3 {
            store.put(&format!("shop:{long}{n}"), b"1", None).await.unwrap();
        }
        let absent = missing(&store, "shop:absent").await;
        let other = missing(&store, "shoq:absent").await;
        let fill_once = Once::new();
        let url = database.url();
        let wanted = |key: &str| {
            fill_once.call_once(|| {
                let (url, token) = (url.clone(), absent.clone());
                let other = move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let other = Sql::connect(url).await.unwrap();
                        other.fill("shop:absent", b"stale", None, &token).await.unwrap()
                    })
                };
                let filled = std::thread::spawn(other).join().unwrap();
                assert_eq!(filled, Filled::Stored, "it came before its lease was revoked");
            });
            !key.ends_with("0007")
        };
        let removed = store.remove_matching("shop:*", &wanted).await.unwrap();
        assert_eq!(removed, 1_500 - 1 + 3 + 1, "{}", database.name());
        missing(&store, "shop:absent").await;
        assert!(matches!(store.get("shop:0007").await.unwrap(), Lookup::Found(_)));
        assert_eq!(
            store.fill("shoq:absent", b"1", None, &other).await.unwrap(),
            Filled::Stored
        );
    }
}

#[tokio::test]
async fn what_has_expired_is_swept_in_batches_and_nothing_else_is() {
    for database in databases().await {
        let patient = Sql::builder(database.url()).sweep_interval(Duration::ZERO);
        let store = patient.connect().await.unwrap();
        for n in 0..95 {
            store
                .put(&format!("shop:{n}"), b"1", Some(Duration::from_millis(1)))
                .await
                .unwrap();
        }
        missing(&store, "shop:lease-that-ends").await;
        database.sql("UPDATE cached_entries SET expires_at = 1, leased_until = 1 WHERE value IS NULL");
        store.put("shop:kept", b"1", None).await.unwrap();
        store.put("shop:long", b"1", MINUTE).await.unwrap();
        missing(&store, "shop:leased").await;
        // An entry that has ended while it is to be replaced.
        store
            .put("shop:reserved", b"1", Some(Duration::from_millis(1)))
            .await
            .unwrap();
        let token = store.reserve("shop:reserved").await.unwrap();
        assert!(database.count("1 = 1") >= 99);
        let sweeper = Sql::builder(database.url())
            .sweep_interval(Duration::from_millis(20))
            .sweep_batch(10)
            .connect()
            .await
            .unwrap();
        let begun = Instant::now();
        while database.count("1 = 1") > 4 {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", database.name());
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(
            store.fill("shop:reserved", b"2", None, &token).await.unwrap(),
            Filled::Stored
        );
        drop(sweeper);
        assert_eq!(database.count("1 = 1"), 4);
    }
}

#[tokio::test]
async fn the_sweeper_ends_with_its_store() {
    let file = SqliteFile::new();
    let before = Handle::current().metrics().num_alive_tasks();
    let store = Sql::connect(file.url()).await.unwrap();
    let clone = store.clone();
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before + 1);
    drop(store);
    clone.ping().await.unwrap();
    drop(clone);
    timeout(Duration::from_secs(5), async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// Calls dropped at any of their awaits: no connection is lost to it, and none gives one call's answer to another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_may_be_dropped_at_any_moment() {
    for database in databases().await {
        let store = Sql::builder(database.url()).pool_size(2).connect().await.unwrap();
        for n in 0..20 {
            let key = format!("shop:{n}");
            store.put(&key, key.as_bytes(), None).await.unwrap();
        }
        for round in 0..400_u64 {
            let key = format!("shop:{}", round % 20);
            let patience = Duration::from_micros(round * 5);
            let _ = timeout(patience, store.get(&key)).await;
            let _ = timeout(patience, store.put(&key, key.as_bytes(), None)).await;
            let _ = timeout(patience, store.get_many(&[key])).await;
        }
        for n in 0..20 {
            let key = format!("shop:{n}");
            match timeout(Duration::from_secs(5), store.get(&key))
                .await
                .unwrap()
                .unwrap()
            {
                Lookup::Found(found) => assert_eq!(found.bytes, key.as_bytes(), "{}", database.name()),
                Lookup::Missing(_) => panic!("{key} is gone"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_no_error_of_connecting_and_is_used_when_it_comes() {
    let mut mariadb = MariaDbServer::start().await;
    let mut postgres = PostgresServer::start().await;
    mariadb.stop();
    postgres.stop();
    let (mysql, pg) = (
        Sql::connect(mariadb.url()).await.unwrap(),
        Sql::connect(postgres.url()).await.unwrap(),
    );
    for store in [&mysql, &pg] {
        let begun = Instant::now();
        let error = store.get("shop:a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(format!("{error:?}").contains("refused"), "it says why: {error:?}");
        assert!(begun.elapsed() < Duration::from_millis(500), "at once");
    }
    mariadb.start_again().await;
    postgres.start_again().await;
    for store in [&mysql, &pg] {
        let token = missing(store, "shop:a").await;
        assert_eq!(
            store.fill("shop:a", b"1", None, &token).await.unwrap(),
            Filled::Stored
        );
    }
    // Connections of before a restart, rested or not, cost one failed call each at most.
    mariadb.start_again().await;
    postgres.start_again().await;
    for store in [&mysql, &pg] {
        let mut failed = 0;
        while store.get("shop:a").await.is_err() {
            failed += 1;
        }
        assert!(failed <= 1, "{failed}");
        assert!(
            matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)),
            "entries stay"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up() {
    let server = PostgresServer::start().await;
    let store = Sql::builder(server.url()).pool_size(2).connect().await.unwrap();
    server.pause();
    for _ in 0..20 {
        assert!(
            timeout(Duration::from_millis(20), store.get("shop:a"))
                .await
                .is_err()
        );
    }
    server.resume();
    let begun = Instant::now();
    while timeout(Duration::from_millis(500), store.get("shop:a"))
        .await
        .is_err()
    {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

/// As in a program whose tests have a runtime each and one store between them.
#[test]
fn connections_of_a_runtime_that_has_ended_are_replaced() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let mut all = first.block_on(databases());
    for database in &mut all {
        let store = first.block_on(Sql::connect(database.url())).unwrap();
        first.block_on(store.put("shop:a", b"1", None)).unwrap();
        for _ in 0..3 {
            let ended = runtime();
            ended.block_on(store.ping()).ok();
            drop(ended);
            let next = runtime();
            let mut failed = 0;
            while next.block_on(store.get("shop:a")).is_err() {
                failed += 1;
            }
            assert!(failed <= 1, "{} {failed}", database.name());
        }
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    for database in databases().await {
        let store = Sql::connect(database.url()).await.unwrap();
        store.close().await;
        assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Closed);
    }
}

/// Before its table is looked for, and at each call of a store that has not asked.
#[tokio::test]
async fn a_file_that_cannot_be_opened_is_told_with_its_path_and_why() {
    let folder = cached_tests::Folder::new();
    let path = format!("{}/missing/cache.db", folder.path().display());
    let url = format!("sqlite://{path}");
    let lazy = Sql::connect_lazily(&url).unwrap();
    for error in [
        Sql::connect(&url).await.unwrap_err(),
        lazy.get("shop:a").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let said = error.to_string();
        assert!(
            said.contains(&path) && said.ends_with("cannot be opened: unable to open database file"),
            "{said}"
        );
    }
}

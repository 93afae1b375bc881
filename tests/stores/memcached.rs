//! The Memcached store: its commands, keys and lives. The laws are checked in `laws`, the servers in
//! `memcached_servers`.

use std::time::{Duration, Instant};

use cached_runtime::stores::Memcached;
use cached_runtime::{ErrorKind, Filled, Filling, Found, Lookup, Store, Token};
use cached_tests::{Fault, FaultProxy, MemcachedServer, free_port};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::redis::missing;

async fn on(server: &MemcachedServer) -> Memcached {
    Memcached::connect([server.address()]).await.unwrap()
}

pub(crate) async fn found(store: &impl Store, key: &str) -> Found {
    match store.get(key).await.unwrap() {
        Lookup::Found(found) => found,
        Lookup::Missing(_) => panic!("{key} is missing"),
    }
}

#[tokio::test]
async fn a_lease_is_no_entry_and_lives_for_a_minute() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let token = missing(&store, "shop:a").await;
    let lease = server.say("mg shop:a s t").await;
    assert!(
        lease.starts_with("HD s0 t60") || lease.starts_with("HD s0 t59"),
        "{lease}"
    );
    assert_eq!(store.remaining("shop:a").await.unwrap(), None);
    assert!(!store.touch("shop:a", Duration::from_secs(5)).await.unwrap());
    assert_eq!(missing(&store, "shop:a").await, token);
    assert_eq!(
        store.fill("shop:a", b"", None, &token).await.unwrap(),
        Filled::Stored
    );
    assert_eq!(found(&store, "shop:a").await.bytes, b"");
}

#[tokio::test]
async fn a_lease_that_is_lost_refuses_a_fill_and_nothing_else() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let token = missing(&store, "shop:a").await;
    server.say("flush_all").await;
    assert_eq!(
        store.fill("shop:a", b"1", None, &token).await.unwrap(),
        Filled::Refused
    );
    let token = missing(&store, "shop:a").await;
    assert_eq!(
        store.fill("shop:a", b"1", None, &token).await.unwrap(),
        Filled::Stored
    );
}

/// A server that starts again counts its changes from one, so the numbers of old tokens come again.
#[tokio::test]
async fn a_token_of_a_server_that_was_restarted_fills_nothing() {
    let mut server = MemcachedServer::start().await;
    let store = on(&server).await;
    let token = missing(&store, "shop:a").await;
    server.stop();
    server.start_again().await;
    // The same steps lead to the same number.
    let again = on(&server).await;
    let repeated = missing(&again, "shop:a").await;
    assert_eq!(token.as_bytes()[8..], repeated.as_bytes()[8..]);
    store.ping().await.unwrap();
    assert_eq!(
        store.fill("shop:a", b"old", None, &token).await.unwrap(),
        Filled::Refused
    );
    missing(&store, "shop:a").await;
    assert_eq!(
        again.fill("shop:a", b"new", None, &repeated).await.unwrap(),
        Filled::Stored
    );
}

/// Over a line that takes its time, fifty of them one after the other would take a second each way.
#[tokio::test]
async fn several_misses_and_fills_are_one_round_trip_each() {
    let server = MemcachedServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = Memcached::connect([format!("127.0.0.1:{}", proxy.port())])
        .await
        .unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(20)));
    let keys: Vec<String> = (0..50).map(|n| format!("shop:{n}")).collect();
    let begun = Instant::now();
    let tokens: Vec<Token> = store
        .get_many(&keys)
        .await
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Lookup::Missing(token) => token,
            Lookup::Found(found) => panic!("{found:?}"),
        })
        .collect();
    let filling = |(key, token)| Filling {
        key,
        bytes: b"1",
        ttl: None,
        token,
    };
    let fills: Vec<Filling<'_>> = keys
        .iter()
        .map(String::as_str)
        .zip(&tokens)
        .map(filling)
        .collect();
    assert!(
        store
            .fill_many(&fills)
            .await
            .iter()
            .all(|filled| matches!(filled, Ok(Filled::Stored)))
    );
    store.remove(&keys).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn hostile_keys_and_values_stay_what_they_are() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let digest = "~".to_owned() + &"0".repeat(64);
    let keys = [
        "a b",
        "a\r\nflush_all",
        "a\u{0}",
        "",
        " ",
        "~",
        &digest,
        "{cached-runtime}:probe",
        "mg a v",
        "\u{7f}",
        "é é",
        &"x".repeat(250),
        &"x".repeat(251),
        &"ß".repeat(125),
        &"ß".repeat(126),
        &"y".repeat(100_000),
    ];
    let values = [
        &b"\r\n"[..],
        b"END\r\n",
        b"",
        b"\0",
        b"VA 3 c1\r\nabc\r\n",
        b"SERVER_ERROR x\r\n",
    ];
    for (number, key) in keys.iter().enumerate() {
        let value = values[number % values.len()];
        let token = missing(&store, key).await;
        assert_eq!(
            store.fill(key, value, None, &token).await.unwrap(),
            Filled::Stored,
            "{key:?}"
        );
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(
            found(&store, key).await.bytes,
            values[number % values.len()],
            "{key:?}"
        );
        assert_eq!(store.remaining(key).await.unwrap(), Some(None));
    }
    let all: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    store.remove(&all).await.unwrap();
    assert_eq!(server.items().await, 0);
}

async fn only_key(server: &MemcachedServer) -> String {
    loop {
        // A dump passes over what is in use at the moment.
        if let Some(key) = server.keys().await.pop() {
            return key;
        }
    }
}

/// Two keys of one digest cannot be had, so the bytes of one key are put where another key's are looked for.
#[tokio::test]
async fn a_long_key_is_verified() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let (one, other) = ("x".repeat(300), "y".repeat(300));
    store.put(&other, b"other", None).await.unwrap();
    let where_other_is = only_key(&server).await;
    assert_eq!(where_other_is.len(), 65);
    store.remove(std::slice::from_ref(&other)).await.unwrap();
    store.put(&one, b"one", None).await.unwrap();
    let item = server
        .say_bytes(format!("mg {} v", only_key(&server).await).as_bytes())
        .await;
    let value = &item[item.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2..];
    let words = format!("ms {where_other_is} {} T0\r\n", value.len() - 2);
    assert_eq!(
        server.say_bytes(&[words.as_bytes(), value].concat()).await[..4],
        *b"HD\r\n"
    );
    assert_eq!(store.remaining(&other).await.unwrap(), None);
    let token = missing(&store, &other).await;
    assert_eq!(
        store.fill(&other, b"other", None, &token).await.unwrap(),
        Filled::Stored
    );
    assert_eq!(found(&store, &other).await.bytes, b"other");
    assert_eq!(found(&store, &one).await.bytes, b"one");
}

#[tokio::test]
async fn what_somebody_else_has_written_is_a_decode_error_that_a_fill_cures() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    server.say("ms shop:a 5 T0\r\nhello").await;
    assert_eq!(store.get("shop:a").await.unwrap_err().kind(), ErrorKind::Decode);
    let answers = store.get_many(&["shop:b".to_owned(), "shop:a".to_owned()]).await;
    assert!(answers[0].is_ok() && answers[1].is_err());
    let token = store.reserve("shop:a").await.unwrap();
    assert_eq!(
        store.fill("shop:a", b"1", None, &token).await.unwrap(),
        Filled::Stored
    );
    assert_eq!(found(&store, "shop:a").await.bytes, b"1");
}

#[tokio::test]
async fn a_value_over_the_servers_limit_is_an_error_that_says_so_and_has_revoked() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    let mebibyte = 1 << 20;
    for size in [mebibyte - 60, mebibyte, 3 * mebibyte] {
        let value = vec![b'x'; size];
        store.put("shop:a", b"old", None).await.unwrap();
        let put = timeout(Duration::from_secs(2), store.put("shop:a", &value, None))
            .await
            .unwrap();
        let error = put.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
        let told = format!("{error:?}");
        assert!(told.contains("-I") || told.contains("too large"), "{told}");
        let token = missing(&store, "shop:a").await;
        let fill = store.fill("shop:a", &value, None, &token).await;
        assert_eq!(fill.unwrap_err().kind(), ErrorKind::Store);
        // The connection is in step. The server may have dropped the lease together with what was too large.
        let token = missing(&store, "shop:a").await;
        assert_eq!(
            store.fill("shop:a", b"small", None, &token).await.unwrap(),
            Filled::Stored
        );
        assert_eq!(found(&store, "shop:a").await.bytes, b"small");
    }
    let value = vec![b'x'; mebibyte - 1_000];
    store.put("shop:a", &value, None).await.unwrap();
    assert_eq!(found(&store, "shop:a").await.bytes, value);
}

#[tokio::test]
async fn lives_below_a_second_and_above_a_month_are_what_they_should_be() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    for days in [29, 30, 31, 400, 36_500] {
        let ttl = Duration::from_secs(days * 86_400);
        store.put("shop:long", b"1", Some(ttl)).await.unwrap();
        for told in [
            found(&store, "shop:long").await.remaining,
            store.remaining("shop:long").await.unwrap().unwrap(),
        ] {
            let told = told.unwrap();
            assert!(
                told <= ttl && ttl - told < Duration::from_secs(2),
                "{days} days: {told:?}"
            );
        }
    }
    // Somebody who has just connected sees the same, whatever its own clock says.
    let other = on(&server).await;
    let told = found(&other, "shop:long").await.remaining.unwrap();
    assert!(told > Duration::from_secs(36_499 * 86_400));
    for ttl in [200, 700] {
        let ttl = Duration::from_millis(ttl);
        let begun = Instant::now();
        store.put("shop:short", b"1", Some(ttl)).await.unwrap();
        while let Lookup::Found(found) = store.get("shop:short").await.unwrap() {
            assert!(found.remaining.is_some_and(|left| left <= ttl));
            // Once the server's time is known to half a second.
            assert!(
                begun.elapsed() < ttl + Duration::from_millis(900),
                "{:?}",
                begun.elapsed()
            );
            sleep(Duration::from_millis(5)).await;
        }
        // What has ended is its own lease.
        let token = missing(&store, "shop:short").await;
        assert_eq!(
            store.fill("shop:short", b"2", None, &token).await.unwrap(),
            Filled::Stored
        );
        assert_eq!(
            store.fill("shop:short", b"3", None, &token).await.unwrap(),
            Filled::Refused
        );
    }
}

#[tokio::test]
async fn servers_that_are_not_fit_and_addresses_that_mean_nothing_are_refused() {
    let without_cas = MemcachedServer::with(&["-C"]).await;
    let error = Memcached::connect([without_cas.address()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    let lazily = Memcached::connect_lazily([without_cas.address()]).unwrap();
    assert_eq!(lazily.get("a").await.unwrap_err().kind(), ErrorKind::Store);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let nonsense = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
        }
    });
    let error = Memcached::connect([format!("127.0.0.1:{port}")])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    nonsense.abort();

    let none: [&str; 0] = [];
    for error in [
        Memcached::connect_lazily(none).unwrap_err(),
        Memcached::connect_lazily(["a:1", "a:1"]).unwrap_err(),
        Memcached::connect_lazily(["http://a"]).unwrap_err(),
        Memcached::builder(["a:1"])
            .weighted("b:1", 0)
            .connect_lazily()
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
    let down = Memcached::connect([format!("127.0.0.1:{}", free_port())])
        .await
        .unwrap();
    assert_eq!(down.get("a").await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_store_that_was_closed_says_so() {
    let server = MemcachedServer::start().await;
    let store = on(&server).await;
    store.put("shop:a", b"1", None).await.unwrap();
    store.close().await;
    assert_eq!(store.get("shop:a").await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(store.describe().starts_with("memcached://127.0.0.1:"));
}

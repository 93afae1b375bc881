//! Look-ups that wait at the same moment travel together, and none depends on another's life.

use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{ErrorKind, Filled, Lookup, Store};
use cached_tests::{Fault, FaultProxy, RedisServer};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

async fn scripts_run(server: &RedisServer) -> u64 {
    let stats: String = server.cli(&["INFO", "commandstats"]).await;
    let calls = |line: &str| {
        line.split(['=', ','])
            .nth(1)
            .and_then(|calls| calls.parse::<u64>().ok())
    };
    stats
        .lines()
        .filter(|line| line.starts_with("cmdstat_eval"))
        .filter_map(calls)
        .sum()
}

#[tokio::test]
async fn a_thousand_look_ups_at_once_are_a_few_requests_and_each_gets_its_own_answer() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    for n in (0..1000).step_by(2) {
        store
            .put(
                &format!("shop:{n}"),
                format!("{n}").as_bytes(),
                Some(Duration::from_secs(60)),
            )
            .await
            .unwrap();
    }
    let before = scripts_run(&server).await;
    let mut calls = JoinSet::new();
    for n in 0..1000 {
        let store = store.clone();
        calls.spawn(async move { (n, store.get(&format!("shop:{n}")).await.unwrap()) });
    }
    let mut tokens = Vec::new();
    while let Some(call) = calls.join_next().await {
        match call.unwrap() {
            (n, Lookup::Found(found)) => {
                assert_eq!(found.bytes, format!("{n}").as_bytes());
                assert!(found.remaining.unwrap() > Duration::from_secs(50));
            }
            (n, Lookup::Missing(token)) => {
                assert!(n % 2 == 1, "{n} is there");
                tokens.push((n, token));
            }
        }
    }
    let requests = scripts_run(&server).await - before;
    assert!(requests < 100, "{requests} requests for 1,000 look-ups");
    assert_eq!(tokens.len(), 500);
    for (n, token) in tokens {
        assert_eq!(
            store
                .fill(&format!("shop:{n}"), b"1", None, &token)
                .await
                .unwrap(),
            Filled::Stored
        );
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_fails_alone() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    let _: i64 = server.cli(&["RPUSH", "shop:7", "x"]).await;
    let mut calls = JoinSet::new();
    for n in 0..100 {
        let store = store.clone();
        calls.spawn(async move { (n, store.get(&format!("shop:{n}")).await) });
    }
    while let Some(call) = calls.join_next().await {
        match call.unwrap() {
            (7, answer) => assert_eq!(answer.unwrap_err().kind(), ErrorKind::Decode),
            (_, answer) => assert!(matches!(answer.unwrap(), Lookup::Missing(_))),
        }
    }
}

#[tokio::test]
async fn after_many_hits_values_are_asked_for_alone_and_what_is_missing_or_unreadable_is_told_all_the_same() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    for n in 0..100 {
        let key = format!("shop:{n}");
        store.put(&key, b"value", None).await.unwrap();
    }
    let all = async |wanted: std::ops::Range<u32>| {
        let mut calls = JoinSet::new();
        for n in wanted {
            let store = store.clone();
            calls.spawn(async move { (n, store.get_bytes(&format!("shop:{n}")).await) });
        }
        calls.join_all().await
    };
    let is_there =
        |(_, answer): &(u32, _)| matches!(answer, Ok(Lookup::Found(found)) if found.bytes == b"value");
    for _ in 0..60 {
        assert!(all(0..100).await.iter().all(is_there));
    }
    let before = scripts_run(&server).await;
    for _ in 0..10 {
        assert!(all(0..100).await.iter().all(is_there));
    }
    assert_eq!(scripts_run(&server).await, before, "a hit runs no script");

    store.remove(&["shop:7".to_owned()]).await.unwrap();
    let _: i64 = server.cli(&["DEL", "shop:8"]).await;
    let _: i64 = server.cli(&["RPUSH", "shop:8", "x"]).await;
    let mut token = None;
    for (n, answer) in all(0..100).await {
        match (n, answer) {
            (7, Ok(Lookup::Missing(lease))) => token = Some(lease),
            (8, answer) => assert_eq!(answer.unwrap_err().kind(), ErrorKind::Decode),
            answer => assert!(is_there(&answer), "{answer:?}"),
        }
    }
    let token = token.expect("what has been removed is missing");
    let filled = store.fill("shop:7", b"value", None, &token).await.unwrap();
    assert_eq!(filled, Filled::Stored);
    assert!(all(7..8).await.iter().all(is_there));
}

#[tokio::test]
async fn callers_that_are_dropped_leave_the_others_served_and_no_seat_taken() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = Redis::connect(format!("redis://127.0.0.1:{}", proxy.port()))
        .await
        .unwrap();
    let seed = fastrand::u64(..);
    let mut dice = fastrand::Rng::with_seed(seed);
    proxy.set(Fault::Delay(Duration::from_millis(2)));
    for round in 0..30 {
        let mut calls = JoinSet::new();
        for n in 0..50 {
            let (store, patience) = (store.clone(), dice.u64(0..8));
            calls.spawn(async move {
                let call = store.get("shop:a");
                if n % 5 == 0 {
                    assert!(call.await.is_ok());
                } else {
                    let _ = timeout(Duration::from_millis(patience), call).await;
                }
            });
        }
        let all = async {
            while let Some(call) = calls.join_next().await {
                call.unwrap()
            }
        };
        let all = timeout(Duration::from_secs(5), all).await;
        assert!(all.is_ok(), "a look-up hangs in round {round} (seed {seed})");
    }
    proxy.set(Fault::None);
    sleep(Duration::from_millis(10)).await;
    timeout(Duration::from_secs(1), store.get("shop:a"))
        .await
        .unwrap()
        .unwrap();
}

#[test]
fn callers_of_another_runtime_are_told_when_the_one_that_looked_up_ends() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (first, second) = (runtime(), runtime());
    let server = second.block_on(RedisServer::start());
    let store = second.block_on(Redis::connect(server.url())).unwrap();
    server.pause();
    // All seats and many places in the queue are taken by tasks of the first runtime.
    first.block_on(async {
        for n in 0..500 {
            let store = store.clone();
            tokio::spawn(async move { store.get(&format!("shop:{n}")).await });
        }
        sleep(Duration::from_millis(20)).await;
    });
    let waiting = second.spawn({
        let store = store.clone();
        async move { store.get("shop:waiting").await }
    });
    second.block_on(async { sleep(Duration::from_millis(20)).await });
    drop(first);
    server.resume();
    let _ = second
        .block_on(async { timeout(Duration::from_secs(3), waiting).await })
        .unwrap()
        .unwrap();
    let answer = second.block_on(async { timeout(Duration::from_secs(3), store.get("shop:a")).await });
    assert!(answer.unwrap().is_ok());
}

#[tokio::test]
async fn an_answer_that_its_caller_left_is_nobody_elses() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::to(server.port()).await;
    let store = Redis::connect(format!("redis://127.0.0.1:{}", proxy.port()))
        .await
        .unwrap();
    for n in 0..40 {
        let key = format!("shop:{n}");
        store.put(&key, key.as_bytes(), None).await.unwrap();
    }
    // Until look-ups have a connection of their own.
    while proxy.accepted() < 2 {
        store.get("shop:0").await.unwrap();
    }
    proxy.set(Fault::Delay(Duration::from_millis(3)));
    for n in 0..40 {
        let left = format!("shop:{}", (n + 1) % 40);
        let _ = timeout(Duration::from_millis(n % 5), store.get(&left)).await;
        let key = format!("shop:{n}");
        match store.get(&key).await.unwrap() {
            Lookup::Found(found) => assert_eq!(found.bytes, key.as_bytes()),
            Lookup::Missing(_) => panic!("{key} is there"),
        }
    }
}

#[tokio::test]
async fn a_connection_for_look_ups_that_the_server_closes_costs_no_call() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    for _ in 0..20 {
        store.get("shop:a").await.unwrap();
        let clients: String = server.cli(&["CLIENT", "LIST", "TYPE", "normal"]).await;
        // The one that has looked up last, and not the one that is shared.
        let lane = clients
            .lines()
            .find(|line| line.contains("cmd=evalsha") && line.contains("resp=2"));
        if let Some(id) = lane.and_then(|line| line.split([' ', '=']).nth(1)) {
            let _: u64 = server.cli(&["CLIENT", "KILL", "ID", id]).await;
        }
        assert!(matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)));
    }
}

/// As behind a name that stands for several servers, or moves from one to the next.
#[tokio::test]
async fn look_ups_go_where_everything_else_goes() {
    let (one, other) = (RedisServer::start().await, RedisServer::start().await);
    let ports = [one.port(), other.port()];
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, mut accepted) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let port = ports[*told.borrow() % 2];
            let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            told.send_modify(|accepted| *accepted += 1);
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let store = Redis::connect(format!("redis://127.0.0.1:{port}")).await.unwrap();
    store.put("shop:a", b"1", None).await.unwrap();
    store.get("shop:a").await.unwrap();
    let second = accepted.wait_for(|accepted| *accepted > 1);
    timeout(Duration::from_secs(5), second).await.unwrap().unwrap();
    for _ in 0..200 {
        assert!(matches!(store.get("shop:a").await.unwrap(), Lookup::Found(_)));
    }
}

/// Nobody asks for the life left here: while all is there, the values come by another command than tokens do.
#[tokio::test]
async fn what_is_missing_among_what_was_there_gets_a_token() {
    let server = RedisServer::start().await;
    let store = Redis::connect(server.url()).await.unwrap();
    let key = |n: usize| format!("shop:{n}");
    for n in 0..100 {
        store.put(&key(n), key(n).as_bytes(), None).await.unwrap();
    }
    let look_all = || async {
        let mut calls = JoinSet::new();
        for n in 0..100 {
            let store = store.clone();
            calls.spawn(async move { (n, store.get_bytes(&key(n)).await) });
        }
        let mut answers = calls.join_all().await;
        answers.sort_by_key(|(n, _)| *n);
        answers.into_iter().map(|(_, answer)| answer)
    };
    for round in 0..3 {
        for (n, answer) in look_all().await.enumerate() {
            assert!(
                matches!(&answer, Ok(Lookup::Found(found)) if found.bytes == key(n).as_bytes()),
                "{n} in round {round}: {answer:?}"
            );
        }
    }
    store.remove(&[key(7), key(42)]).await.unwrap();
    let _: i64 = server.cli(&["DEL", &key(50)]).await;
    let _: i64 = server.cli(&["RPUSH", &key(50), "x"]).await;
    for round in 0..3 {
        for (n, answer) in look_all().await.enumerate() {
            match (n, answer) {
                (7 | 42, Ok(Lookup::Missing(token))) if round == 2 => {
                    let filled = store.fill(&key(n), b"new", None, &token).await.unwrap();
                    assert_eq!(filled, Filled::Stored);
                }
                (7 | 42, Ok(Lookup::Missing(_))) => {}
                (50, Err(error)) => assert_eq!(error.kind(), ErrorKind::Decode),
                (_, Ok(Lookup::Found(found))) => assert_eq!(found.bytes, key(n).as_bytes()),
                (_, answer) => panic!("{n} in round {round}: {answer:?}"),
            }
        }
    }
    // A server that has forgotten its scripts in between.
    let _: i64 = server.cli(&["DEL", &key(50)]).await;
    store.put(&key(50), b"value", None).await.unwrap();
    for _ in 0..2 {
        assert!(
            look_all()
                .await
                .all(|answer| matches!(answer, Ok(Lookup::Found(_))))
        );
        let _: String = server.cli(&["SCRIPT", "FLUSH"]).await;
    }
}

//! Redis killed and restarted, paused, full, or never there: callers get what their body says, in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::stores::Redis;
use cached_runtime::{Caches, cache};
use cached_tests::{Fault, FaultProxy, RedisServer};
use tokio::time::{sleep, timeout};

use crate::setup::{Source, builder, caches, connect, on, raw};

/// From the moment a server answers again.
const SOON: Duration = Duration::from_secs(1);

#[cache(key = "far-number:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn far(source: &Source, _id: u64) -> Result<u64, String> {
    Ok(source.load())
}

#[cache(key = "near-number:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn near(source: &Source, _id: u64) -> Result<u64, String> {
    Ok(source.load())
}

#[cache(key = "two-redis:{_id}", ttl = "1h", backend = ["redis", "second"], skip(source))]
async fn two(source: &Source, _id: u64) -> Result<u64, String> {
    Ok(source.load())
}

/// Returns how long it took, from now on, until the server holds entries again.
async fn used_again(server: &RedisServer) -> Duration {
    let back = Instant::now();
    let mut raw = raw(server).await;
    loop {
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut raw).await.unwrap();
        if size > 0 {
            return back.elapsed();
        }
        assert!(back.elapsed() < Duration::from_secs(10), "not used again");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_is_no_error_and_heals_within_a_second() {
    let mut server = RedisServer::start().await;
    let caches = caches(&server).await;
    let source = Arc::new(Source::of(7));
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..32)
        .map(|caller: u64| {
            let (caches, source, stop) = (caches.clone(), Arc::clone(&source), Arc::clone(&stop));
            let calls = Arc::clone(&calls);
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for round in 0.. {
                    if stop.load(SeqCst) {
                        break;
                    }
                    let begun = Instant::now();
                    let id = (caller + round) % 8;
                    assert_eq!(caches.scope(far(&source, id)).await, Ok(7));
                    assert_eq!(caches.scope(near(&source, id)).await, Ok(7));
                    slowest = slowest.max(begun.elapsed());
                    calls.fetch_add(1, SeqCst);
                    sleep(Duration::from_millis(1)).await;
                }
                slowest
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(100)).await;
        server.stop();
        sleep(Duration::from_millis(500)).await;
        let before = calls.load(SeqCst);
        sleep(Duration::from_millis(50)).await;
        assert!(
            calls.load(SeqCst) > before,
            "calls stand still while the server is down"
        );
        // Returns once the server answers a PING.
        server.start_again().await;
        let took = used_again(&server).await;
        println!("used again after {took:?}");
        assert!(took < SOON, "{took:?}");
    }
    stop.store(true, SeqCst);
    for caller in callers {
        let slowest = caller.await.unwrap();
        // Two functions, each with a budget for its look-up and one for its fill.
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    }
}

const BUDGET: Duration = Duration::from_millis(200);
/// More than one budget, with room for a busy machine, and less than two.
const ONE_BUDGET: Duration = Duration::from_millis(380);

#[tokio::test]
async fn a_paused_server_costs_a_call_one_budget_and_soon_nothing() {
    let server = RedisServer::start().await;
    let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
    let source = Source::of(7);
    caches.scope(far(&source, 0)).await.unwrap();
    server.pause();
    let mut costly = 0;
    for id in 0..10 {
        let begun = Instant::now();
        caches.scope(far(&source, id)).await.unwrap();
        let took = begun.elapsed();
        assert!(took < ONE_BUDGET, "call {id} took {took:?}");
        costly += u32::from(took > BUDGET / 2);
    }
    assert_eq!(
        costly, 3,
        "calls that waited for the server before the breaker opened"
    );
    assert!(caches.stats().stores[0].down);

    let begun = Instant::now();
    for id in 0..1_000 {
        caches.scope(far(&source, id)).await.unwrap();
        caches.scope(near(&source, id)).await.unwrap();
    }
    let took = begun.elapsed();
    println!("2,000 calls past an open breaker took {took:?}");
    assert!(took < BUDGET * 2, "{took:?}");

    server.resume();
    let back = Instant::now();
    while caches.stats().stores[0].down {
        assert!(back.elapsed() < SOON, "not used again");
        sleep(Duration::from_millis(5)).await;
    }
    let loads = source.loads();
    caches.scope(far(&source, 0)).await.unwrap();
    assert_eq!(source.loads(), loads, "the entry from before the pause");
}

#[tokio::test]
async fn callers_at_once_wait_for_one_budget_together() {
    let server = RedisServer::start().await;
    let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
    let source = Arc::new(Source::of(7));
    server.pause();
    let begun = Instant::now();
    let calls: Vec<_> = (0..500)
        .map(|call: u64| {
            let (caches, source) = (caches.clone(), Arc::clone(&source));
            tokio::spawn(async move { caches.scope(far(&source, call / 2)).await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let took = begun.elapsed();
    assert!(took < ONE_BUDGET + Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn a_pause_in_the_middle_of_a_load_costs_its_caller_one_budget() {
    let server = RedisServer::start().await;
    let caches = builder(&server).await.time_budget(BUDGET).build().unwrap();
    let gate = crate::setup::Gate::of(7);
    let begin = async {
        gate.begun().await;
        server.pause();
        gate.open();
        Instant::now()
    };
    let (value, paused) = tokio::join!(caches.scope(gated(&gate, 1)), begin);
    assert_eq!(value, 7);
    assert!(paused.elapsed() < ONE_BUDGET, "{:?}", paused.elapsed());
    server.resume();
}

#[cache(key = "gated-number:{_id}", ttl = "1h", backend = "redis", skip(gate))]
async fn gated(gate: &crate::setup::Gate, _id: u64) -> u64 {
    gate.load().await
}

#[tokio::test]
async fn each_remote_tier_costs_one_budget_at_most() {
    let (upper, lower) = (RedisServer::start().await, RedisServer::start().await);
    let caches = Caches::builder()
        .store("redis", connect(&upper).await)
        .store("second", connect(&lower).await)
        .time_budget(BUDGET)
        .build()
        .unwrap();
    let source = Source::of(7);
    upper.pause();
    let begun = Instant::now();
    caches.scope(two(&source, 1)).await.unwrap();
    assert!(begun.elapsed() < ONE_BUDGET, "{:?}", begun.elapsed());
    assert_eq!(lower.cli::<u64>(&["EXISTS", "two-redis:1"]).await, 1);
    let begun = Instant::now();
    caches.scope(two(&source, 1)).await.unwrap();
    assert_eq!(
        source.loads(),
        1,
        "the lower tier serves while the upper one is silent"
    );
    assert!(begun.elapsed() < ONE_BUDGET, "{:?}", begun.elapsed());
    lower.pause();
    let begun = Instant::now();
    caches.scope(two(&source, 2)).await.unwrap();
    assert!(begun.elapsed() < ONE_BUDGET + BUDGET, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_used_soon_after_it_comes() {
    let mut server = RedisServer::start().await;
    server.stop();
    let begun = Instant::now();
    let caches = on(Redis::connect(server.url()).await.unwrap()).build().unwrap();
    let source = Source::of(7);
    for id in 0..20 {
        assert_eq!(caches.scope(far(&source, id)).await, Ok(7));
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.start_again().await;
    let back = Instant::now();
    while server.cli::<u64>(&["DBSIZE"]).await == 0 {
        assert!(back.elapsed() < SOON, "not used");
        assert_eq!(caches.scope(far(&source, 1)).await, Ok(7));
        sleep(Duration::from_millis(5)).await;
    }
}

/// Nobody calls while the server is away: nothing but the healing itself can find out.
#[tokio::test]
async fn it_heals_without_being_asked() {
    let mut server = RedisServer::start().await;
    let caches = caches(&server).await;
    let source = Source::of(7);
    server.stop();
    for id in 0..5 {
        caches.scope(far(&source, id)).await.unwrap();
    }
    assert!(caches.stats().stores[0].down);
    sleep(Duration::from_millis(300)).await;
    server.start_again().await;
    timeout(SOON, async {
        while caches.stats().stores[0].down {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    caches.scope(far(&source, 1)).await.unwrap();
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:far-number:1"]).await, 1);
}

#[tokio::test]
async fn a_full_server_and_one_that_refuses_are_no_error() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let source = Source::of(7);
    caches.scope(far(&source, 1)).await.unwrap();
    for words in [
        &["CONFIG", "SET", "maxmemory", "1"][..],
        &["REPLICAOF", "127.0.0.1", "1"],
        &["CONFIG", "SET", "requirepass", "changed"],
    ] {
        let _: redis::Value = server.cli(words).await;
        for id in 1..20 {
            assert_eq!(caches.scope(far(&source, id)).await, Ok(7), "{words:?}");
            assert_eq!(caches.scope(near(&source, id)).await, Ok(7), "{words:?}");
        }
        if words[0] == "REPLICAOF" {
            let _: String = server.cli(&["REPLICAOF", "NO", "ONE"]).await;
        }
        if words[2] == "maxmemory" {
            let _: String = server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
            caches.scope(far(&source, 19)).await.unwrap();
            assert_eq!(server.cli::<u64>(&["EXISTS", "shop:far-number:19"]).await, 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_talks_nonsense_or_hangs_is_no_error() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    for fault in [
        Fault::Garbage,
        Fault::Hang,
        Fault::Mute,
        Fault::Cut,
        Fault::Delay(BUDGET * 2),
    ] {
        let proxy = FaultProxy::to(server.port()).await;
        let url = format!("redis://127.0.0.1:{}", proxy.port());
        let caches = on(Redis::connect(url).await.unwrap())
            .time_budget(BUDGET)
            .build()
            .unwrap();
        caches.scope(far(&source, 0)).await.unwrap();
        proxy.set(fault);
        for id in 1..50 {
            let begun = Instant::now();
            assert_eq!(caches.scope(far(&source, id)).await, Ok(7), "{fault:?}");
            assert!(begun.elapsed() < ONE_BUDGET, "{fault:?}: {:?}", begun.elapsed());
        }
        proxy.set(Fault::None);
        let back = Instant::now();
        while caches.stats().stores[0].down {
            // The end of a silent connection is noticed a second after it fell silent.
            assert!(back.elapsed() < SOON * 2, "{fault:?}");
            sleep(Duration::from_millis(5)).await;
        }
        let loads = source.loads();
        caches.scope(far(&source, 0)).await.unwrap();
        assert_eq!(source.loads(), loads, "{fault:?}");
        let _: String = server.cli(&["FLUSHALL"]).await;
    }
}

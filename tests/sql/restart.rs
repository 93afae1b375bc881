//! Servers killed and restarted, paused, or never there: callers get what their body says, in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_tests::Database;
use tokio::time::sleep;

use crate::functions::{Source, builder, caches, far, far_stats, near};

async fn stop(database: &mut Database) {
    match database {
        Database::MariaDb(server) => server.stop(),
        Database::Postgres(server) => server.stop(),
        Database::Sqlite(_) => {}
    }
}

async fn start(database: &mut Database) {
    match database {
        Database::MariaDb(server) => server.start_again().await,
        Database::Postgres(server) => server.start_again().await,
        Database::Sqlite(_) => {}
    }
}

/// Keeps calling from several tasks until told to stop; each says how long its slowest call took.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Duration>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_is_no_error_and_heals() {
    for mut database in [Database::mariadb().await, Database::postgres().await] {
        let caches = caches(&database).await;
        // A second handle to the same server for the callers, who need only its name.
        let name = database.name();
        let source = Arc::new(Source::of(7));
        let mut load = Load {
            stop: Arc::default(),
            calls: Arc::default(),
            tasks: Vec::new(),
        };
        for caller in 0..16_u64 {
            let (caches, source) = (caches.clone(), Arc::clone(&source));
            let (stop, calls) = (Arc::clone(&load.stop), Arc::clone(&load.calls));
            load.tasks.push(tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for round in 0.. {
                    if stop.load(SeqCst) {
                        break;
                    }
                    let begun = Instant::now();
                    let id = (caller + round) % 8;
                    let value = match name {
                        "mysql" => caches.scope(crate::functions::far_mysql(&source, id)).await,
                        _ => caches.scope(crate::functions::far_postgres(&source, id)).await,
                    };
                    assert_eq!(value, 7);
                    slowest = slowest.max(begun.elapsed());
                    calls.fetch_add(1, SeqCst);
                    sleep(Duration::from_millis(1)).await;
                }
                slowest
            }));
        }
        for _ in 0..2 {
            sleep(Duration::from_millis(100)).await;
            stop(&mut database).await;
            sleep(Duration::from_millis(500)).await;
            let before = load.calls.load(SeqCst);
            sleep(Duration::from_millis(50)).await;
            assert!(
                load.calls.load(SeqCst) > before,
                "calls stand still while the server is down"
            );
            start(&mut database).await;
            let back = Instant::now();
            let hits = caches.scope(async { far_stats(&database) }).await.hits;
            while caches.scope(async { far_stats(&database) }).await.hits == hits {
                assert!(
                    back.elapsed() < Duration::from_secs(2),
                    "{name} is not used again"
                );
                sleep(Duration::from_millis(5)).await;
            }
        }
        load.stop.store(true, SeqCst);
        for caller in load.tasks {
            let slowest = caller.await.unwrap();
            // A budget for the look-up and one for the fill, on a busy machine.
            assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        }
        assert!(caches.stats().stores.iter().all(|store| !store.down));
    }
}

const BUDGET: Duration = Duration::from_millis(200);
/// More than one budget, with room for a busy machine, and less than two.
const ONE_BUDGET: Duration = Duration::from_millis(380);

#[tokio::test]
async fn a_paused_server_costs_a_call_one_budget_and_soon_nothing() {
    for database in [Database::mariadb().await, Database::postgres().await] {
        let caches = builder(&database).await.time_budget(BUDGET).build().unwrap();
        let source = Source::of(7);
        caches.scope(far(&database, &source, 0)).await;
        pause(&database, true);
        let mut costly = 0;
        for id in 0..10 {
            let begun = Instant::now();
            assert_eq!(caches.scope(far(&database, &source, id)).await, 7);
            let took = begun.elapsed();
            assert!(took < ONE_BUDGET, "call {id} took {took:?}");
            costly += u32::from(took > BUDGET / 2);
        }
        assert_eq!(costly, 3, "calls that waited before the breaker opened");
        pause(&database, false);
        let back = Instant::now();
        while caches.stats().stores.iter().any(|store| store.down) {
            assert!(back.elapsed() < Duration::from_secs(2), "not used again");
            sleep(Duration::from_millis(5)).await;
        }
        let loads = source.loads();
        caches.scope(far(&database, &source, 0)).await;
        assert_eq!(source.loads(), loads, "the entry from before the pause");
    }
}

fn pause(database: &Database, pause: bool) {
    match (database, pause) {
        (Database::MariaDb(server), true) => server.pause(),
        (Database::MariaDb(server), false) => server.resume(),
        (Database::Postgres(server), true) => server.pause(),
        (Database::Postgres(server), false) => server.resume(),
        (Database::Sqlite(_), _) => {}
    }
}

/// Another program holds the file's write lock.
#[tokio::test]
async fn a_locked_sqlite_file_serves_hits_and_delays_no_call_for_long() {
    let database = Database::sqlite();
    let caches = builder(&database).await.time_budget(BUDGET).build().unwrap();
    let source = Source::of(7);
    caches.scope(far(&database, &source, 0)).await;
    let Database::Sqlite(file) = &database else {
        unreachable!()
    };
    let lock = rusqlite::Connection::open(file.path()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(caches.scope(far(&database, &source, 0)).await, 7);
        assert!(begun.elapsed() < BUDGET);
    }
    assert_eq!(source.loads(), 1, "who reads waits for nobody");
    let begun = Instant::now();
    assert_eq!(caches.scope(near(&database, &source, 1)).await, 7);
    assert!(begun.elapsed() < ONE_BUDGET, "{:?}", begun.elapsed());
    lock.execute_batch("COMMIT").unwrap();
}

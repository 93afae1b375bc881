//! What a call costs that finds nothing, and what a removal costs.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cached::macros::{cached, concurrent_cached};
use cached_runtime::cache;
use tokio::runtime::{Builder, Handle};

use crate::keys::ROOM;
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::server::Server;
use crate::values::{User, Value};

const HOUR: Duration = Duration::from_secs(3600);
const OURS: &str = "cached-runtime";

async fn body(id: u64) -> Arc<User> {
    Arc::<User>::of(id)
}

#[cache(key = "ml:{id}", ttl = "1h", capacity = 20_000, backend = "local")]
async fn local(id: u64) -> Arc<User> {
    body(id).await
}

#[cache(
    key = "mo:{id}",
    ttl = "1h",
    capacity = 20_000,
    backend = "local",
    single_flight = "off"
)]
async fn alone(id: u64) -> Arc<User> {
    body(id).await
}

#[cache(key = "mm:{id}", ttl = "1h", capacity = 20_000, backend = "moka")]
async fn moka(id: u64) -> Arc<User> {
    body(id).await
}

#[cache(key = "mr:{id}", ttl = "1h", backend = "redis")]
async fn far(id: u64) -> Arc<User> {
    body(id).await
}

#[cache(key = "mt:{id}", ttl = "1h", capacity = 20_000, backend = ["local", "redis"])]
async fn tiers(id: u64) -> Arc<User> {
    body(id).await
}

#[cached(max_size = 20_000, ttl_secs = 3600)]
async fn peer(id: u64) -> Arc<User> {
    body(id).await
}

#[concurrent_cached(max_size = 20_000, ttl_secs = 3600)]
async fn peer_concurrent(id: u64) -> Arc<User> {
    body(id).await
}

pub fn run(options: &Options, runtime: &Handle, server: &Server) -> Vec<Table> {
    vec![
        in_memory(options),
        round_trips(runtime, server),
        invalidations(options, runtime, server),
    ]
}

/// A loop over numbers that were never asked for before, and how long each of these calls took.
type Fresh = Box<dyn Fn(std::ops::Range<u64>) -> f64>;

fn fresh<F, A>(call: F) -> Fresh
where
    F: Fn(u64) -> A + Copy + Send + 'static,
    A: Future + Send + 'static,
{
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    Box::new(move |ids| {
        let count = ids.end - ids.start;
        let begun = Instant::now();
        let task = async move {
            for id in ids {
                black_box(call(black_box(id)).await);
            }
        };
        runtime.block_on(async { tokio::spawn(task).await.expect("no call panics") });
        begun.elapsed().as_nanos() as f64 / count as f64
    })
}

/// Once the caches are full, so that each fill evicts.
fn in_memory(options: &Options) -> Table {
    let moka_cache: &moka::future::Cache<u64, Arc<User>> = crate::hits::keep(
        moka::future::Cache::builder()
            .max_capacity(ROOM as u64)
            .time_to_live(HOUR)
            .build(),
    );
    let quick: &quick_cache::sync::Cache<u64, Arc<User>> =
        crate::hits::keep(quick_cache::sync::Cache::new(ROOM));
    let list: Vec<(&str, Fresh)> = vec![
        ("the bare body", fresh(body)),
        (OURS, fresh(local)),
        ("cached-runtime, single_flight off", fresh(alone)),
        ("cached-runtime moka", fresh(moka)),
        (
            "moka future get_with",
            fresh(move |id| moka_cache.get_with(id, body(id))),
        ),
        (
            "quick_cache get_or_insert_async",
            fresh(move |id| async move {
                let load = async { Ok::<_, std::convert::Infallible>(body(id).await) };
                quick.get_or_insert_async(&id, load).await
            }),
        ),
        ("cached async", fresh(peer)),
        ("cached concurrent async", fresh(peer_concurrent)),
    ];
    let count = if options.quick { 2_000 } else { 20_000 };
    let mut next = 0;
    let mut samples = vec![Vec::new(); list.len()];
    for (_, pass) in &list {
        pass(next..next + 3 * ROOM as u64);
    }
    next += 3 * ROOM as u64;
    for round in 0..options.rounds {
        eprint!("\rmisses: round {round} of {}   ", options.rounds);
        for ((_, pass), samples) in list.iter().zip(&mut samples) {
            samples.push(pass(next..next + count));
        }
        next += count;
    }
    let mut table = Table::new("misses: in memory, the bound reached", "ns per call", &["miss"]);
    // Round by round, before the order is lost.
    let over: Vec<f64> = samples[1]
        .iter()
        .zip(&samples[0])
        .map(|(with, without)| with - without)
        .collect();
    for ((name, _), samples) in list.iter().zip(samples) {
        table.row(*name, vec![Cell::of(samples)]);
    }
    table.row("cached-runtime, over the bare body", vec![Cell::of(over)]);
    table.reference = Some("the bare body".to_owned());
    table.goal_of("cached-runtime, over the bare body", "miss", true, 1_500.0);
    table
}

/// What the server saw of a thousand misses in a row: reads from a socket are round trips, since nothing else is sent.
fn round_trips(runtime: &Handle, server: &Server) -> Table {
    const MISSES: u64 = 1_000;
    let mut table = Table::new(
        "misses: Redis round trips",
        "a miss, look-up and fill together",
        &["round trips", "commands, those inside scripts too"],
    );
    runtime.block_on(async {
        // Connects, and loads the scripts.
        far(u64::MAX).await;
        tiers(u64::MAX).await;
        let settle = cached_runtime::Caches::current();
        settle.settle().await;
        let before = server.counts();
        for id in 0..MISSES {
            far(id).await;
        }
        settle.settle().await;
        let between = server.counts();
        for id in 0..MISSES {
            tiers(id).await;
        }
        settle.settle().await;
        let after = server.counts();
        for (name, from, to) in [
            ("cached-runtime redis", &before, &between),
            ("cached-runtime [local, redis]", &between, &after),
        ] {
            let reads = (to.reads - from.reads - 1) as f64 / MISSES as f64;
            let commands: Vec<String> = to
                .commands
                .iter()
                .filter_map(|(command, calls)| {
                    let more = calls - from.commands.get(command).unwrap_or(&0);
                    (more >= MISSES / 100).then(|| format!("{command} {:.2}", more as f64 / MISSES as f64))
                })
                .collect();
            table.row(
                name,
                vec![
                    Some(Cell::one(reads)),
                    Some(Cell::one(commands.len() as f64).with_note(commands.join(", "))),
                ],
            );
        }
    });
    table.goal_of("cached-runtime redis", "round trips", true, 2.01);
    table.goal_of("cached-runtime [local, redis]", "round trips", true, 2.01);
    table
}

/// Removals of entries that are there, from one task.
fn invalidations(options: &Options, runtime: &Handle, server: &Server) -> Table {
    let count: u64 = if options.quick { 1_000 } else { 10_000 };
    let rounds = options.rounds.div_ceil(2);
    let mut table = Table::new(
        "invalidations",
        "a second from one task, more is better",
        &["invalidations"],
    );
    let moka_cache: moka::future::Cache<u64, Arc<User>> = moka::future::Cache::builder()
        .max_capacity(ROOM as u64)
        .time_to_live(HOUR)
        .build();
    let quick: quick_cache::sync::Cache<u64, Arc<User>> = quick_cache::sync::Cache::new(ROOM);
    let mut samples = vec![Vec::new(); 6];
    let client = redis::Client::open(server.url()).expect("a URL");
    runtime.block_on(async {
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("the server is there");
        for round in 0..rounds {
            eprint!("\rinvalidations: round {round} of {rounds}   ");
            for id in 0..count {
                local(id).await;
                far(id).await;
                tiers(id).await;
                moka_cache.insert(id, Arc::<User>::of(id)).await;
                quick.insert(id, Arc::<User>::of(id));
                let _: () = redis::cmd("SET")
                    .arg(id)
                    .arg("x")
                    .query_async(&mut connection)
                    .await
                    .expect("a set");
            }
            cached_runtime::Caches::current().settle().await;
            macro_rules! timed {
                ($slot:literal, $id:ident, $call:expr) => {{
                    let begun = Instant::now();
                    for $id in 0..count {
                        black_box($call);
                    }
                    samples[$slot].push(count as f64 / begun.elapsed().as_secs_f64());
                }};
            }
            timed!(0, id, local_entry(id).invalidate().await.is_ok());
            timed!(1, id, moka_cache.invalidate(&id).await);
            timed!(2, id, quick.remove(&id));
            timed!(3, id, far_entry(id).invalidate().await.is_ok());
            timed!(4, id, tiers_entry(id).invalidate().await.is_ok());
            timed!(
                5,
                id,
                redis::cmd("DEL")
                    .arg(id)
                    .query_async::<u64>(&mut connection)
                    .await
                    .expect("a removal")
            );
        }
    });
    eprint!("\r{:60}\r", "");
    let names = [
        OURS,
        "moka future",
        "quick_cache",
        "cached-runtime redis",
        "cached-runtime [local, redis]",
        "redis by hand, DEL",
    ];
    for (name, samples) in names.iter().zip(samples) {
        table.row(*name, vec![Cell::of(samples)]);
    }
    table
}

//! What a hit in Redis costs, the decoding of about 200 bytes included: calls a second and the median latency of a call,
//! from one task and from many.

use std::future::Future;
use std::pin::Pin;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cached::macros::concurrent_cached;
use cached_runtime::cache;
use tokio::runtime::Handle;

use crate::keys::{RESIDENT, Spread};
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::server::Server;
use crate::values::{User, forget_loads, loads};

const TASKS: [usize; 3] = [1, 32, 256];
/// Of many tasks one call in so many is timed: a clock read for each, and a place in memory, would be a part of what they cost.
const TIMED: usize = 16;
const OURS: &str = "cached-runtime redis";
const HAND: &str = "redis by hand";

static URL: OnceLock<String> = OnceLock::new();

#[cache(key = "ru:{id}", ttl = "1h", backend = "redis")]
async fn ours(id: u64) -> User {
    crate::values::count_load();
    User::new(id)
}

#[concurrent_cached(
    ty = "cached::AsyncRedisCache<u64, User>",
    create = r#"{
        cached::AsyncRedisCache::builder("peer")
            .ttl(Duration::from_secs(3600))
            .connection_string(URL.get().expect("set before the first call"))
            .build()
            .await
            .expect("the server is there")
    }"#,
    map_error = r#"|error| format!("{error:?}")"#
)]
async fn peer(id: u64) -> Result<User, String> {
    crate::values::count_load();
    Ok(User::new(id))
}

fn encoded(user: &User) -> Vec<u8> {
    bincode::serde::encode_to_vec(user, bincode::config::standard()).expect("a plain struct")
}

fn decoded(bytes: &[u8]) -> User {
    bincode::serde::decode_from_slice(bytes, bincode::config::standard())
        .expect("what was encoded")
        .0
}

/// One task: calls with these keys, one after the other, of which one in so many is timed.
type Call = Box<dyn Fn(Vec<u64>, usize) -> Pin<Box<dyn Future<Output = Vec<Duration>> + Send>>>;

/// Makes of a call the loop of one task, which is compiled for that call.
fn task<F, A>(call: F) -> Call
where
    F: Fn(u64) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = User> + Send,
{
    Box::new(move |keys, every| {
        let call = call.clone();
        Box::pin(async move {
            let mut latencies = Vec::with_capacity(keys.len().div_ceil(every));
            for (at, key) in keys.into_iter().enumerate() {
                let begun = at.is_multiple_of(every).then(Instant::now);
                std::hint::black_box(call(key).await);
                latencies.extend(begun.map(|begun| begun.elapsed()));
            }
            latencies
        })
    })
}

pub fn run(options: &Options, runtime: &Handle, server: &Server) -> Vec<Table> {
    let _ = URL.set(server.url());
    let list: Vec<(&str, Call)> = contenders(runtime, server)
        .into_iter()
        .filter(|(name, _)| options.wants_row(name) || *name == HAND)
        .collect();
    for (_, call) in &list {
        runtime.block_on(call((0..RESIDENT).collect(), 1));
    }
    let columns: Vec<String> = TASKS
        .iter()
        .map(|tasks| format!("{tasks} task{}", if *tasks == 1 { "" } else { "s" }))
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut rates = Table::new(
        "redis: hits a second",
        "calls per second, more is better",
        &columns,
    );
    let mut delays = Table::new(
        "redis: latency of a hit",
        "microseconds, median of the calls",
        &columns,
    );
    let mut rows = vec![(Vec::new(), Vec::new()); list.len()];
    let mut ceiling = vec![Vec::new(); 2];
    for tasks in TASKS {
        // Of many tasks long enough for what they do at first, move between the threads and take memory, to be a small part. Of
        // one short and often: where the system puts its thread and the server's is another thing every while.
        let (rounds, calls) = match tasks {
            _ if options.quick => (options.rounds, 2_000),
            1 => (options.rounds * 3, 2_000),
            _ => (options.rounds, 10_000 * tasks.min(32)),
        };
        let mut samples = vec![(Vec::new(), Vec::new()); list.len()];
        let mut reached = vec![Vec::new(); 2];
        forget_loads();
        for round in 0..rounds {
            eprint!("\rredis, {tasks} tasks: round {round} of {rounds}   ");
            // Another begins each time: whoever comes after the other processes finds the caches cold.
            for at in (0..list.len()).map(|place| (round + place) % list.len()) {
                let (rate, latency) = pass(runtime, &list[at].1, tasks, calls);
                samples[at].0.push(rate);
                samples[at].1.push(latency);
            }
            for (samples, (clients, pipelined)) in reached.iter_mut().zip([(tasks, 1), (1, tasks)]) {
                samples.extend(redis_benchmark(server, clients, pipelined, calls));
            }
        }
        let loaded = loads();
        for (row, (rate, latency)) in rows.iter_mut().zip(samples) {
            let note = |cell: Cell| {
                if loaded > 0 {
                    cell.with_note(format!("({loaded} misses!)"))
                } else {
                    cell
                }
            };
            row.0.push(Cell::of(rate).map(note));
            row.1.push(Cell::of(latency).map(note));
        }
        for (row, samples) in ceiling.iter_mut().zip(reached) {
            row.push(Cell::of(samples));
        }
    }
    eprint!("\r{:60}\r", "");
    for ((name, _), (rate, latency)) in list.iter().zip(rows) {
        rates.row(*name, rate);
        delays.row(*name, latency);
    }
    let names = [
        "redis-benchmark, a connection a task",
        "redis-benchmark, one pipelined connection",
    ];
    for (name, cells) in names.iter().zip(ceiling) {
        rates.row(*name, cells);
    }
    rates.reference = Some(HAND.to_owned());
    delays.reference = Some(HAND.to_owned());
    rates.goal(OURS, HAND, columns[2], false, 1.4);
    rates.goal(OURS, HAND, columns[1], false, 1.0);
    delays.goal(OURS, HAND, columns[0], true, 1.1);
    vec![rates, delays]
}

fn contenders(runtime: &Handle, server: &Server) -> Vec<(&'static str, Call)> {
    let client = redis::Client::open(server.url()).expect("a URL");
    let connection = runtime
        .block_on(client.get_multiplexed_async_connection())
        .expect("the server is there");
    runtime
        .block_on(async {
            let mut connection = connection.clone();
            for id in 0..RESIDENT {
                let bytes = encoded(&User::new(id));
                let () = redis::cmd("SET")
                    .arg(format!("hand:{id}"))
                    .arg(bytes)
                    .arg("EX")
                    .arg(3600)
                    .query_async(&mut connection)
                    .await?;
            }
            redis::RedisResult::Ok(())
        })
        .expect("the server takes them");
    let by_hand = move |id: u64| {
        let mut connection = connection.clone();
        async move {
            let bytes: Vec<u8> = redis::cmd("GET")
                .arg(format!("hand:{id}"))
                .query_async(&mut connection)
                .await
                .expect("a hit");
            decoded(&bytes)
        }
    };
    #[cfg_attr(
        not(feature = "peers"),
        expect(unused_mut, reason = "the list ends here without the peers")
    )]
    let mut list = vec![
        (OURS, task(ours)),
        (HAND, task(by_hand)),
        (
            "cached AsyncRedisCache",
            task(|id| async move { peer(id).await.expect("a hit") }),
        ),
    ];
    #[cfg(feature = "peers")]
    list.push(("fred by hand", fred(runtime, server)));
    list
}

#[cfg(feature = "peers")]
fn fred(runtime: &Handle, server: &Server) -> Call {
    use fred::prelude::*;
    let config = Config::from_url_unix(&format!("redis+unix://{}", server.socket())).expect("a URL");
    let client = Builder::from_config(config).build().expect("a client");
    runtime.block_on(client.init()).expect("the server is there");
    task(move |id: u64| {
        let client = client.clone();
        async move {
            let bytes: Vec<u8> = client.get(format!("hand:{id}")).await.expect("a hit");
            decoded(&bytes)
        }
    })
}

/// Calls a second, and the median latency in microseconds.
fn pass(runtime: &Handle, call: &Call, tasks: usize, calls: usize) -> (f64, f64) {
    let each = calls.div_ceil(tasks);
    let every = if tasks == 1 { 1 } else { TIMED };
    let loops: Vec<_> = (0..tasks)
        .map(|task| call(Spread::Uniform.draw(RESIDENT, each, 3 + task as u64), every))
        .collect();
    let begun = Instant::now();
    let running: Vec<_> = loops.into_iter().map(|task| runtime.spawn(task)).collect();
    let mut latencies: Vec<Duration> = Vec::with_capacity(calls.div_ceil(every));
    for task in running {
        latencies.extend(runtime.block_on(task).expect("no call panics"));
    }
    let rate = (each * tasks) as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    (rate, latencies[latencies.len() / 2].as_nanos() as f64 / 1e3)
}

/// What the server gives to a client in C that does not decode: a ceiling, not a peer.
fn redis_benchmark(server: &Server, clients: usize, pipelined: usize, calls: usize) -> Option<f64> {
    let output = Command::new("redis-benchmark")
        .args(["-s", &server.socket(), "--csv"])
        .args([
            "-c",
            &clients.to_string(),
            "-P",
            &pipelined.to_string(),
            "-n",
            &calls.to_string(),
        ])
        .args(["GET", "hand:42"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines()
        .last()?
        .split(',')
        .nth(1)?
        .trim_matches('"')
        .parse()
        .ok()
}

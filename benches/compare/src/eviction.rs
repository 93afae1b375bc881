//! Ten times more keys than room: how many calls still hit, and what a call costs on the whole.
//!
//! Every cache sees the same traces from empty. Ours sees them through `#[cache]`, in a `Caches` of its own each time.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use cached_runtime::{Caches, cache, stores::Null};
use tokio::runtime::{Builder, Handle};

use crate::keys::Spread;
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::server::Server;
use crate::values::{User, forget_loads, load, loads};

const ROOM: u64 = 10_000;
const KEYS: u64 = 10 * ROOM;

#[cache(key = "el:{id}", ttl = "1h", capacity = 10_000, backend = "local")]
async fn local(id: u64) -> Arc<User> {
    load(id)
}

#[cache(key = "em:{id}", ttl = "1h", capacity = 10_000, backend = "moka")]
async fn moka(id: u64) -> Arc<User> {
    load(id)
}

struct Trace {
    name: &'static str,
    ids: Vec<u64>,
}

fn traces(length: usize) -> Vec<Trace> {
    let zipf = |exponent| Spread::Zipf(exponent).draw(KEYS, length, 11);
    // One of three calls belongs to a scan of keys that are asked for once.
    let scanned = zipf(0.9)
        .into_iter()
        .enumerate()
        .map(|(at, id)| if at % 3 == 2 { KEYS + at as u64 } else { id });
    // Ten times on the way, a tenth of the keys trade their popularity with others.
    let shift = |at: usize| (at * 10 / length) as u64 * (KEYS / 10);
    let shifting = zipf(0.9)
        .into_iter()
        .enumerate()
        .map(|(at, id)| (id + shift(at)) % KEYS);
    vec![
        Trace {
            name: "zipf 0.7",
            ids: zipf(0.7),
        },
        Trace {
            name: "zipf 0.9",
            ids: zipf(0.9),
        },
        Trace {
            name: "zipf 1.1",
            ids: zipf(1.1),
        },
        Trace {
            name: "zipf 0.9 + scan",
            ids: scanned.collect(),
        },
        Trace {
            name: "shifting zipf 0.9",
            ids: shifting.collect(),
        },
    ]
}

/// Percent of hits, and ns per call.
type Replay = Box<dyn Fn(&[u64]) -> (f64, f64)>;

fn measured(ids: &[u64], replay: impl FnOnce()) -> (f64, f64) {
    forget_loads();
    let begun = Instant::now();
    replay();
    let taken = begun.elapsed().as_nanos() as f64;
    (
        100.0 * (1.0 - loads() as f64 / ids.len() as f64),
        taken / ids.len() as f64,
    )
}

fn ours<F, A>(call: F) -> Replay
where
    F: Fn(u64) -> A + Copy + 'static,
    A: Future<Output = Arc<User>>,
{
    Box::new(move |ids| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let caches = Caches::builder()
            .store("redis", Null)
            .build()
            .expect("every store is there");
        measured(ids, || {
            runtime.block_on(caches.scope(async {
                for &id in ids {
                    std::hint::black_box(call(id).await);
                }
            }));
        })
    })
}

fn moka_by_hand(ids: &[u64]) -> (f64, f64) {
    let cache = moka::sync::Cache::new(ROOM);
    measured(ids, || {
        for &id in ids {
            if cache.get(&id).is_none() {
                cache.insert(id, load::<Arc<User>>(id));
            }
        }
    })
}

fn quick_by_hand(ids: &[u64]) -> (f64, f64) {
    let cache = quick_cache::sync::Cache::new(ROOM as usize);
    measured(ids, || {
        for &id in ids {
            if cache.get(&id).is_none() {
                cache.insert(id, load::<Arc<User>>(id));
            }
        }
    })
}

pub fn run(options: &Options, _runtime: &Handle, _server: &Server) -> Vec<Table> {
    let list: Vec<(&str, Replay)> = vec![
        ("cached-runtime", ours(local)),
        ("cached-runtime moka", ours(moka)),
        ("moka sync", Box::new(moka_by_hand)),
        ("quick_cache", Box::new(quick_by_hand)),
    ];
    let traces = traces(if options.quick { 100_000 } else { 1_000_000 });
    let columns: Vec<&str> = traces.iter().map(|trace| trace.name).collect();
    let mut hits = Table::new(
        "eviction: hits, room for a tenth of the keys",
        "percent, more is better",
        &columns,
    );
    let mut costs = Table::new(
        "eviction: a call on the whole, loads included",
        "ns per call",
        &columns,
    );
    let rounds = if options.quick { 1 } else { 3 };
    let mut rows = vec![(Vec::new(), Vec::new()); list.len()];
    for trace in &traces {
        let mut samples = vec![(Vec::new(), Vec::new()); list.len()];
        for _ in 0..rounds {
            for ((name, replay), samples) in list.iter().zip(&mut samples) {
                eprint!("\reviction: {}: {name:30}", trace.name);
                let (percent, cost) = replay(&trace.ids);
                samples.0.push(percent);
                samples.1.push(cost);
            }
        }
        for (row, (percent, cost)) in rows.iter_mut().zip(samples) {
            row.0.push(Cell::of(percent));
            row.1.push(Cell::of(cost));
        }
    }
    eprint!("\r{:60}\r", "");
    for ((name, _), (percent, cost)) in list.iter().zip(rows) {
        hits.row(*name, percent);
        costs.row(*name, cost);
    }
    for column in columns {
        let median = |row: &str| hits.cell(row, column).map_or(0.0, |cell| cell.median);
        let better = if median("moka sync") > median("quick_cache") {
            "moka sync"
        } else {
            "quick_cache"
        };
        hits.goal("cached-runtime", better, column, false, 0.99);
        hits.goal("cached-runtime moka", "moka sync", column, false, 0.99);
    }
    costs.reference = Some("quick_cache".to_owned());
    vec![hits, costs]
}

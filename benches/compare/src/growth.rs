//! What grows with the number of entries and of concurrent loads. Nothing may grow faster than they do.
//!
//! How much the number of annotated functions costs is told by programs of their own, in `benches/functions`.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cached_runtime::{Caches, cache, stores::Null};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Barrier;

use crate::keys::Spread;
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::server::Server;
use crate::values::{User, load};

macro_rules! sized {
    ($name:ident, $key:literal, $capacity:literal) => {
        #[cache(key = $key, ttl = "1h", capacity = $capacity, backend = "local")]
        async fn $name(id: u64) -> Arc<User> {
            load(id)
        }
    };
}

// Room for a fifth more, so that no shard evicts.
sized!(thousand, "g3:{id}", 1_200);
sized!(ten_thousand, "g4:{id}", 12_000);
sized!(hundred_thousand, "g5:{id}", 120_000);
sized!(million, "g6:{id}", 1_200_000);
sized!(ten_million, "g7:{id}", 12_000_000);

/// Every load waits until all of them run.
#[cache(key = "gf:{id}", ttl = "1h", capacity = 20_000, backend = "local", skip(all))]
async fn together(all: Arc<Barrier>, id: u64) -> u64 {
    all.wait().await;
    id
}

pub fn run(options: &Options, _runtime: &Handle, _server: &Server) -> Vec<Table> {
    vec![entries(options), flights(options)]
}

fn one_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// What filling costs an entry, what it then takes, and what a hit costs.
struct Grown {
    fill: f64,
    bytes: f64,
    hit: f64,
}

/// `make` gives an empty cache, which lives until the measurement is over; values are 200 bytes and more, and counted.
fn grown<C, F, A>(entries: u64, make: impl FnOnce() -> C, call: F) -> Grown
where
    F: Fn(C, u64) -> A,
    C: Clone,
    A: Future,
{
    let runtime = one_thread();
    let mut cache = None;
    let mut fill = 0.0;
    let counted = allocation_counter::measure(|| {
        let cache_made = make();
        let begun = Instant::now();
        runtime.block_on(async {
            for id in 0..entries {
                black_box(call(cache_made.clone(), id).await);
            }
        });
        fill = begun.elapsed().as_nanos() as f64 / entries as f64;
        cache = Some(cache_made);
    });
    let asked = Spread::Uniform.draw(entries, 300_000, 5);
    let begun = Instant::now();
    runtime.block_on(async {
        for &id in &asked {
            if let Some(cache) = &cache {
                black_box(call(cache.clone(), id).await);
            }
        }
    });
    let hit = begun.elapsed().as_nanos() as f64 / asked.len() as f64;
    Grown {
        fill,
        bytes: counted.bytes_current as f64 / entries as f64,
        hit,
    }
}

fn ours<F, A>(entries: u64, call: F) -> Grown
where
    F: Fn(u64) -> A,
    A: Future<Output = Arc<User>>,
{
    let make = || {
        Caches::builder()
            .store("redis", Null)
            .build()
            .expect("every store is there")
    };
    // A scope for each call, which is paid for in each.
    grown(entries, make, |caches, id| {
        let call = call(id);
        async move { caches.scope(call).await }
    })
}

fn quick(entries: u64) -> Grown {
    let room = entries + entries / 5;
    let make = || Arc::new(quick_cache::sync::Cache::<u64, Arc<User>>::new(room as usize));
    grown(entries, make, |cache, id| async move {
        cache.get(&id).unwrap_or_else(|| {
            let user: Arc<User> = load(id);
            cache.insert(id, user.clone());
            user
        })
    })
}

fn moka(entries: u64) -> Grown {
    let make = || moka::sync::Cache::<u64, Arc<User>>::new(entries + entries / 5);
    grown(entries, make, |cache, id| async move {
        cache.get(&id).unwrap_or_else(|| {
            let user: Arc<User> = load(id);
            cache.insert(id, user.clone());
            user
        })
    })
}

fn values_alone(entries: u64) -> Grown {
    let make = || {
        Arc::new(std::sync::Mutex::new(Vec::<Arc<User>>::with_capacity(
            entries as usize,
        )))
    };
    grown(entries, make, |values, id| async move {
        let mut values = values.lock().expect("one thread");
        match values.get(id as usize) {
            Some(value) => value.clone(),
            None => {
                values.push(load(id));
                values[id as usize].clone()
            }
        }
    })
}

fn entries(options: &Options) -> Table {
    let mut sizes = vec![1_000, 10_000, 100_000];
    if !options.quick {
        sizes.push(1_000_000);
    }
    if options.big {
        sizes.push(10_000_000);
    }
    let columns: Vec<String> = sizes.iter().map(|size| format!("{size} entries")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(
        "growth: entries, values of a vector and 200 bytes included",
        "ns per fill, bytes per entry, ns per hit (uniform)",
        &columns,
    );
    let of_ours = |size| match size {
        1_000 => ours(size, thousand),
        10_000 => ours(size, ten_thousand),
        100_000 => ours(size, hundred_thousand),
        1_000_000 => ours(size, million),
        _ => ours(size, ten_million),
    };
    type Grow<'a> = &'a dyn Fn(u64) -> Grown;
    let list: [(&str, Grow<'_>); 4] = [
        ("cached-runtime", &of_ours),
        ("quick_cache", &quick),
        ("moka sync", &moka),
        ("a vector", &values_alone),
    ];
    for (name, grow) in list {
        let mut rows = [Vec::new(), Vec::new(), Vec::new()];
        for &size in &sizes {
            eprint!("\rgrowth: {size} entries: {name:20}");
            let rounds = if size > 100_000 {
                1
            } else {
                options.rounds.div_ceil(4)
            };
            let grown: Vec<Grown> = (0..rounds).map(|_| grow(size)).collect();
            rows[0].push(Cell::of(grown.iter().map(|grown| grown.fill).collect()));
            rows[1].push(Cell::of(grown.iter().map(|grown| grown.bytes).collect()));
            rows[2].push(Cell::of(grown.iter().map(|grown| grown.hit).collect()));
        }
        for (what, row) in ["fill", "bytes", "hit"].iter().zip(rows) {
            table.row(format!("{name}: {what}"), row);
        }
    }
    eprint!("\r{:60}\r", "");
    table
}

/// Loads of different keys that all run at once.
fn flights(options: &Options) -> Table {
    const COUNTS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
    let columns: Vec<String> = COUNTS.iter().map(|count| format!("{count} flights")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(
        "growth: concurrent loads of different keys, each in a task",
        "per load",
        &columns,
    );
    type Start = fn(Arc<Barrier>, u64) -> tokio::task::JoinHandle<()>;
    let list: [(&str, Start); 2] = [
        ("cached-runtime", |all, id| {
            tokio::spawn(async move {
                together(all, id).await;
            })
        }),
        ("the bare body", |all, _| {
            tokio::spawn(async move {
                all.wait().await;
            })
        }),
    ];
    for (name, start) in list {
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        for count in COUNTS {
            let (mut taken, mut held) = (Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                let (ns, most) = fly(count, start);
                taken.push(ns / count as f64);
                held.push(most / count as f64);
            }
            times.push(Cell::of(taken));
            bytes.push(Cell::of(held));
        }
        table.row(format!("{name}: ns"), times);
        table.row(format!("{name}: bytes at most"), bytes);
    }
    table
}

fn fly(count: usize, start: fn(Arc<Barrier>, u64) -> tokio::task::JoinHandle<()>) -> (f64, f64) {
    let runtime = one_thread();
    let mut taken = 0.0;
    let counted = allocation_counter::measure(|| {
        runtime.block_on(async {
            // What the rounds before have loaded is gone.
            let _ = together_cache().clear().await;
            let all = Arc::new(Barrier::new(count));
            let begun = Instant::now();
            let flying: Vec<_> = (0..count as u64).map(|id| start(Arc::clone(&all), id)).collect();
            for task in flying {
                task.await.expect("no load panics");
            }
            taken = begun.elapsed().as_nanos() as f64;
        });
    });
    (taken, counted.bytes_max as f64)
}

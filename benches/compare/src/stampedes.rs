//! Ten thousand callers of one key that is not there, and what they cost until they all have their answer.
//!
//! On one thread, so that its allocations are all there are. The body takes 50 ms, in which everybody arrives.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cached::macros::cached;
use cached_runtime::cache;
use tokio::runtime::{Builder, Handle};

use crate::keys::ROOM;
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::server::Server;
use crate::values::{User, forget_loads, load, loads};

async fn body(id: u64) -> Arc<User> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    load(id)
}

#[cache(key = "sl:{id}", ttl = "1h", backend = "local")]
async fn local(id: u64) -> Arc<User> {
    body(id).await
}

#[cache(key = "st:{id}", ttl = "1h", backend = ["local", "redis"])]
async fn tiers(id: u64) -> Arc<User> {
    body(id).await
}

#[cached(max_size = 20_000, ttl_secs = 3600, sync_writes = "by_key")]
async fn peer(id: u64) -> Arc<User> {
    body(id).await
}

type Crowd = Box<dyn Fn(u64, usize) -> (f64, f64)>;

/// Milliseconds until all have their answer, and the most bytes held on the way.
fn crowd<F, A>(call: F) -> Crowd
where
    F: Fn(u64) -> A + Copy + Send + 'static,
    A: Future + Send + 'static,
{
    Box::new(move |key, callers| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut taken = Duration::ZERO;
        let counted = allocation_counter::measure(|| {
            runtime.block_on(async {
                let begun = Instant::now();
                let waiting: Vec<_> = (0..callers)
                    .map(|_| {
                        tokio::spawn(async move {
                            call(key).await;
                        })
                    })
                    .collect();
                for caller in waiting {
                    caller.await.expect("no call panics");
                }
                taken = begun.elapsed();
            });
        });
        (
            taken.as_secs_f64() * 1e3,
            counted.bytes_max as f64 / f64::from(1 << 20),
        )
    })
}

pub fn run(options: &Options, _runtime: &Handle, _server: &Server) -> Vec<Table> {
    let callers = if options.quick { 1_000 } else { 10_000 };
    let moka: &moka::future::Cache<u64, Arc<User>> =
        crate::hits::keep(moka::future::Cache::builder().max_capacity(ROOM as u64).build());
    let quick: &quick_cache::sync::Cache<u64, Arc<User>> =
        crate::hits::keep(quick_cache::sync::Cache::new(ROOM));
    #[cfg_attr(
        not(feature = "peers"),
        expect(unused_mut, reason = "the list ends here without the peers")
    )]
    let mut list: Vec<(&str, Crowd)> = vec![
        (
            "tasks that sleep for 50 ms",
            crowd(|_| tokio::time::sleep(Duration::from_millis(50))),
        ),
        ("cached-runtime", crowd(local)),
        ("cached-runtime [local, redis]", crowd(tiers)),
        (
            "moka future get_with",
            crowd(move |id| moka.get_with(id, body(id))),
        ),
        (
            "quick_cache get_or_insert_async",
            crowd(move |id| async move {
                let load = async { Ok::<_, std::convert::Infallible>(body(id).await) };
                quick.get_or_insert_async(&id, load).await
            }),
        ),
        ("cached async, sync_writes by_key", crowd(peer)),
    ];
    #[cfg(feature = "peers")]
    {
        let foyer: &foyer::Cache<u64, Arc<User>> = crate::hits::keep(foyer::CacheBuilder::new(ROOM).build());
        list.push((
            "foyer get_or_fetch",
            crowd(move |id| async move {
                let load = move || async move { Ok::<_, std::convert::Infallible>(body(id).await) };
                foyer
                    .get_or_fetch(&id, load)
                    .await
                    .expect("the load succeeds")
                    .value()
                    .clone()
            }),
        ));
    }
    let title = format!("stampedes: {callers} callers of one missing key, a load of 50 ms");
    let mut table = Table::new(
        title,
        "as each column says",
        &["ms until all have it", "MiB at most", "loads"],
    );
    let rounds = options.rounds.div_ceil(3);
    let mut samples = vec![(Vec::new(), Vec::new(), 0); list.len()];
    for round in 0..rounds {
        eprint!("\rstampedes: round {round} of {rounds}   ");
        for ((_, crowd), samples) in list.iter().zip(&mut samples) {
            forget_loads();
            let (taken, bytes) = crowd(round as u64, callers);
            samples.0.push(taken);
            samples.1.push(bytes);
            samples.2 += loads();
        }
    }
    eprint!("\r{:60}\r", "");
    for ((name, _), (taken, bytes, loads)) in list.iter().zip(samples) {
        let loads = Cell::one(loads as f64 / rounds as f64);
        table.row(*name, vec![Cell::of(taken), Cell::of(bytes), Some(loads)]);
    }
    vec![table]
}

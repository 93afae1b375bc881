//! What a cache does for a program, told on the terminal.
//!
//! ```text
//! cargo run --example quickstart
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example quickstart
//! MEMCACHED_ADDR=127.0.0.1:11211 cargo run --example quickstart
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

mod catalogue;

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use cached_examples::shop::{Db, PRODUCTS};
use cached_runtime::Caches;
use catalogue::{cheapest, cheapest_cache, product, product_cache, set_price};
use tokio::task::JoinSet;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let started = Instant::now();
    let db = Db::open().await?;
    let made = if db.was_made() {
        "made just now"
    } else {
        "made by an earlier run"
    };
    println!(
        "{PRODUCTS} products in {}, {made} ({})",
        db.file().display(),
        shown(started.elapsed())
    );

    // The first call would find out from the environment where its entries are kept. Done here, a URL that cannot be used is
    // an error; the first call would log it and cache nothing.
    Caches::from_env().await?.install()?;
    let is_set = |variable| env::var_os(variable).is_some();
    if is_set("REDIS_URL") {
        println!("Entries are kept in memory and in Redis (REDIS_URL is set).");
    } else if is_set("MEMCACHED_ADDR") {
        println!("Entries are kept in Memcached (MEMCACHED_ADDR is set).");
    } else {
        println!("Entries are kept in memory. With REDIS_URL or MEMCACHED_ADDR set they are kept there.");
    }
    // A server remembers the last run; this report begins without it.
    product_cache().clear().await?;
    cheapest_cache().clear().await?;

    call_twice(&db).await?;
    call_from_many_tasks(&db).await?;
    change_a_price(&db).await?;

    let caches = Caches::current();
    println!("\n{}", caches.stats());
    // With its server down, everything above has worked; what it has not heard of is said here.
    if let Err(error) = caches.shutdown().await {
        println!("{error}");
    }
    Ok(())
}

async fn call_twice(db: &Db) -> Outcome {
    println!("\nThe ten cheapest of \"garden\", twice");
    for call in ["first call", "second call"] {
        let (before, started) = (db.queries(), Instant::now());
        let found = cheapest(db, "garden").await?;
        let took = started.elapsed();
        let source = if db.queries() > before {
            "asked SQLite"
        } else {
            "from the cache"
        };
        println!("  {call:<11} {:>10}, {source}: {}, ...", shown(took), found[0]);
    }
    Ok(())
}

async fn call_from_many_tasks(db: &Db) -> Outcome {
    const TASKS: usize = 10_000;
    println!("\n{TASKS} tasks ask for the ten cheapest of \"kitchen\" at once, and no cache has them");
    let (before, started) = (db.queries(), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let db = db.clone();
        tasks.spawn(async move { cheapest(&db, "kitchen").await });
    }
    let mut answers = 0;
    while let Some(answer) = tasks.join_next().await {
        answer??;
        answers += 1;
    }
    println!(
        "  {answers} answers in {}, queries run: {}",
        shown(started.elapsed()),
        db.queries() - before
    );
    Ok(())
}

async fn change_a_price(db: &Db) -> Outcome {
    const ID: u32 = 4711;
    println!("\nA price goes up by a cent");
    let old = product(db, ID).await?.ok_or("there is no such product")?;
    println!("  before         {old}");
    set_price(db, ID, old.cents + 1).await?;
    let new = product(db, ID).await?.ok_or("the product is gone")?;
    println!("  the next call  {new}");
    assert_eq!(new.cents, old.cents + 1, "an update is seen at once");
    Ok(())
}

/// A time in the unit that a reader would choose.
fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.1} µs"),
        ..1e6 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

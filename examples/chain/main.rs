//! A chain of three stores: memory, Redis where there is one, and a file on this machine that is still warm after a
//! restart.
//!
//! ```text
//! cargo run --example chain --features sqlite
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example chain --features sqlite
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

use std::env;
use std::error::Error;
use std::time::Instant;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::stores::{Null, Redis, Sql};
use cached_runtime::{Caches, cache};

type Outcome = Result<(), Box<dyn Error>>;

/// Memory keeps a list for a few seconds, so that it is never far behind what another process has changed; the stores below
/// keep it for an hour.
#[cache(
    key = "cheapest:{category}",
    ttl = "1h",
    backend = ["local", "redis", "sqlite"],
    tier("local", ttl = "5s", capacity = 1_000),
    skip(db)
)]
async fn cheapest(db: &Db, category: &str) -> Result<Vec<Product>, DbError> {
    let sql = "SELECT * FROM products WHERE category = ?1 ORDER BY cents, id LIMIT 10";
    db.query(sql, (category.to_owned(),)).await
}

/// What a process has when it starts: nothing in memory, and what is left in the stores.
async fn start() -> Result<Caches, Box<dyn Error>> {
    let file = env::temp_dir().join("cached-runtime-examples-chain.sqlite");
    let sqlite = Sql::connect(&format!("sqlite://{}?mode=rwc", file.display())).await?;
    let builder = Caches::builder().namespace("shop").store("sqlite", sqlite);
    let builder = match env::var("REDIS_URL") {
        Ok(url) => builder.store("redis", Redis::connect(&url).await?),
        // A tier that keeps nothing, so that the chain is the same.
        Err(_) => builder.store("redis", Null),
    };
    Ok(builder.build()?)
}

#[tokio::main]
async fn main() -> Outcome {
    let db = Db::open().await?;
    let caches = start().await?;
    // The last run of this program has left something; this report begins without it.
    caches.clear().await?;
    caches.scope(call("nothing anywhere", &db)).await?;
    caches.scope(call("in memory", &db)).await?;
    caches.shutdown().await?;

    println!("\nanother process:");
    let caches = start().await?;
    caches.scope(call("found below", &db)).await?;
    // What was found is copied into the tiers above in the background, for what is left of its hour.
    caches.settle().await;
    caches.scope(call("in memory", &db)).await?;
    println!("\n{}", caches.stats());

    // A removal goes bottom up and has ended when this returns.
    caches
        .scope(async { cheapest_entry("garden").invalidate().await })
        .await?;
    caches.scope(call("removed", &db)).await?;
    caches.shutdown().await?;
    Ok(())
}

async fn call(what: &str, db: &Db) -> Outcome {
    let (begun, before) = (Instant::now(), db.queries());
    let list = cheapest(db, "garden").await?;
    let (took, queries) = (begun.elapsed(), db.queries() - before);
    println!(
        "  {what:17} {:>2} products in {took:>10.3?}, queries run: {queries}",
        list.len()
    );
    Ok(())
}

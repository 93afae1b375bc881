//! Entries that are loaded anew before they end: one caller waits for the slow query, once, and nobody after that.
//!
//! ```text
//! cargo run --example refresh-ahead
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

use std::error::Error;
use std::time::{Duration, Instant};

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{Caches, cache};

/// The newest list is at most a little over half a second old while somebody asks for it. What nobody has asked for in time is
/// shown as it is for another minute, while it is loaded anew.
///
/// The load in the background runs on copies: `Db` is cheap to clone.
#[cache(
    key = "cheapest:{category}",
    ttl = "500ms",
    strategy = "refresh_ahead",
    refresh = "60%",
    stale = "1m",
    backend = "local",
    skip(db)
)]
async fn cheapest(db: &Db, category: &str) -> Result<Vec<Product>, DbError> {
    // Stands for a query over much more than this shop has.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let sql = "SELECT * FROM products WHERE category = ?1 ORDER BY cents, id LIMIT 10";
    db.query(sql, (category.to_owned(),)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    const CALLS: u32 = 200;
    let db = Db::open().await?;
    let mut slowest = Duration::ZERO;
    for call in 0..CALLS {
        let begun = Instant::now();
        cheapest(&db, "garden").await?;
        let took = begun.elapsed();
        if call == 0 {
            println!("first call              {took:>12.3?}");
        } else {
            slowest = slowest.max(took);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Caches::current().settle().await;
    let stats = cheapest_cache().stats();
    println!("slowest of {} others   {slowest:>12.3?}", CALLS - 1);
    println!("calls that waited: {}", stats.misses);
    println!("queries run in the background: {}", stats.reloads);
    Ok(())
}

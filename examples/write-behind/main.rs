//! Writes that the database need not keep up with: each is in the cache at once, and the newest of each product goes to
//! the database now and then.
//!
//! ```text
//! cargo run --example write-behind
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

use std::error::Error;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{Caches, cache, update};

/// What a product costs at the moment.
#[cache(key = "price:{id}", strategy = "write_behind", skip(db))]
async fn price(db: &Db, id: u32) -> Result<Option<u32>, DbError> {
    let found: Option<Product> = db
        .query_one("SELECT * FROM products WHERE id = ?1", (id,))
        .await?;
    Ok(found.map(|product| product.cents))
}

/// Returns before its body has run.
#[update(price(id) = cents, strategy = "write_behind")]
async fn set_price(db: &Db, id: u32, cents: u32) -> Result<(), DbError> {
    db.query_one(
        "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
        (id, cents),
    )
    .await
    .map(drop)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Db::open().await?;
    let caches = Caches::builder()
        .on_failed_write(|failed| println!("{} is lost: {}", failed.key, failed.error))
        .build()?;
    caches.install()?;

    for cents in 100..1_100 {
        for id in 1..=10 {
            set_price(&db, id, cents).await?;
        }
    }
    println!("writes          10000");
    println!("seen at once    {:?}", price(&db, 1).await?);

    // Otherwise what is pending would be lost with the process.
    caches.shutdown().await?;
    println!("updates run     {}", db.queries());
    let row: Option<Product> = db.query_one("SELECT * FROM products WHERE id = ?1", (1,)).await?;
    println!("in the database {:?}", row.map(|product| product.cents));
    Ok(())
}

//! A write that leaves its value in the cache: the read after it asks nobody.
//!
//! ```text
//! cargo run --example write-through
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

use std::error::Error;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{Caches, cache, update};

const ID: u32 = 4711;

/// One product. What its writers return is put into every tier.
#[cache(key = "product:{id}", strategy = "write_through", skip(db))]
async fn product(db: &Db, id: u32) -> Result<Option<Product>, DbError> {
    db.query_one("SELECT * FROM products WHERE id = ?1", (id,)).await
}

/// Changes a price, and stores the product that the database returns.
#[update(product(id))]
async fn set_price(db: &Db, id: u32, cents: u32) -> Result<Option<Product>, DbError> {
    db.query_one(
        "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
        (id, cents),
    )
    .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Db::open().await?;
    Caches::from_env().await?.install()?;

    let old = product(&db, ID).await?.ok_or("there is no such product")?;
    println!("before          {old}");

    set_price(&db, ID, old.cents + 1).await?;
    let queries = db.queries();
    let new = product(&db, ID).await?.ok_or("the product is gone")?;
    println!("the next call   {new}");
    println!("queries for it  {}", db.queries() - queries);

    // Two writers of one entry at once: nobody can say which of them the database saw last, so neither is stored.
    let (one, other) = tokio::join!(
        set_price(&db, ID, old.cents + 2),
        set_price(&db, ID, old.cents + 3)
    );
    one?;
    other?;
    let queries = db.queries();
    let now = product(&db, ID).await?.ok_or("the product is gone")?;
    println!("after two       {now}");
    println!("queries for it  {}", db.queries() - queries);
    Ok(())
}

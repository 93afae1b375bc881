//! A store of one's own in a chain: entries as files in a folder. [`folder`] is all there is to it; the suite that tests every
//! store tests it too (examples/tests).
//!
//! ```text
//! cargo run --example own-store
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

mod folder;

use std::error::Error;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{Caches, cache, invalidate};
use folder::Folder;

/// A folder is found by its name in the chain, as any store is.
#[cache(key = "product:{id}", ttl = "1h", none_ttl = "1m", backend = ["local", "folder"], skip(db))]
async fn product(db: &Db, id: u32) -> Result<Option<Product>, DbError> {
    db.query_one("SELECT * FROM products WHERE id = ?1", (id,)).await
}

#[invalidate(product(id))]
async fn set_price(db: &Db, id: u32, cents: u32) -> Result<Option<Product>, DbError> {
    let sql = "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *";
    db.query_one(sql, (id, cents)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Db::open().await?;
    let folder = std::env::temp_dir().join("cached-runtime-examples-folder");
    // Twice, as if the program had been started again: memory is empty then, and the folder is not.
    for round in ["first", "second"] {
        let caches = Caches::builder()
            .store("folder", Folder::open(&folder).await?)
            .build()?;
        let before = db.queries();
        caches
            .scope(async {
                for id in 1..=100 {
                    product(&db, id).await?;
                }
                Ok::<_, DbError>(())
            })
            .await?;
        println!("{round} round: queries run: {}", db.queries() - before);
        if round == "second" {
            println!("\n{}", caches.stats());
            caches.scope(change(&db)).await?;
            caches.clear().await?;
        }
        caches.shutdown().await?;
    }
    Ok(())
}

async fn change(db: &Db) -> Result<(), DbError> {
    let old = product(db, 1).await?.map_or(0, |product| product.cents);
    set_price(db, 1, old + 1).await?;
    let new = product(db, 1).await?.map_or(0, |product| product.cents);
    println!("price before {old}, after {new}");
    assert_eq!(new, old + 1, "a change is seen at once");
    Ok(())
}

//! Many keys in one call: what is cached comes from the cache, and one query finds the rest.
//!
//! ```text
//! cargo run --example batch
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example batch
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

mod catalogue;

use std::error::Error;

use cached_examples::shop::Db;
use cached_runtime::Caches;
use catalogue::{product, product_cache, products, set_price};
use tokio::task::JoinSet;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let db = Db::open().await?;
    Caches::from_env().await?.install()?;
    // A server remembers the last run; this report begins without it.
    product_cache().clear().await?;

    for id in [1, 2, 3] {
        product(&db, id).await?;
    }
    let wanted: Vec<u32> = (1..=100).collect();
    report(&db, "100 products, 3 of them read before", &wanted).await?;
    report(&db, "the same once more", &wanted).await?;
    report(
        &db,
        "two more, and one that does not exist",
        &[50, 101, 102, 4_000_000],
    )
    .await?;
    report(
        &db,
        "the same: that there is none is known",
        &[50, 101, 102, 4_000_000],
    )
    .await?;

    let old = product(&db, 7).await?.ok_or("there is no such product")?;
    set_price(&db, 7, old.cents + 1).await?;
    report(&db, "after a change of one of them", &wanted).await?;
    let new = products(&db, &[7])
        .await?
        .remove(&7)
        .ok_or("the product is gone")?;
    assert_eq!(new.cents, old.cents + 1, "an update is seen at once");

    overlapping(&db).await?;
    println!("\n{}", Caches::current().stats());
    Caches::current().shutdown().await?;
    Ok(())
}

async fn report(db: &Db, what: &str, ids: &[u32]) -> Outcome {
    let before = db.queries();
    let found = products(db, ids).await?;
    println!(
        "{what}: {} found, queries run: {}",
        found.len(),
        db.queries() - before
    );
    Ok(())
}

/// Pages that overlap, read at once: no product is read twice.
async fn overlapping(db: &Db) -> Outcome {
    let (before, loads) = (db.queries(), product_cache().stats().loads);
    let mut pages = JoinSet::new();
    for page in 0..10 {
        let db = db.clone();
        pages.spawn(async move {
            let ids: Vec<u32> = (1000 + page * 10..1030 + page * 10).collect();
            products(&db, &ids).await.map(|found| found.len())
        });
    }
    let mut found = 0;
    while let Some(page) = pages.join_next().await {
        found += page??;
    }
    let loads = product_cache().stats().loads - loads;
    println!(
        "10 pages of 30 that overlap, at once: {found} found, products read: {loads}, queries run: {}",
        db.queries() - before
    );
    Ok(())
}

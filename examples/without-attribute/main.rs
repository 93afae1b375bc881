//! Caches without an attribute: their names and lives are known only when the program runs.
//!
//! ```text
//! cargo run --example without-attribute
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example without-attribute
//! ```
#![expect(clippy::print_stdout, reason = "the report is the point of the program")]

mod shelf;

use std::error::Error;
use std::time::Duration;

use cached_examples::shop::Db;
use cached_runtime::Caches;
use shelf::Shelf;
use tokio::task::JoinSet;

type Outcome = Result<(), Box<dyn Error>>;

/// Would be read from a file: which departments there are, and how old their lists may be.
const DEPARTMENTS: [(&str, Duration); 2] = [
    ("garden", Duration::from_secs(3600)),
    ("kitchen", Duration::from_secs(60)),
];

#[tokio::main]
async fn main() -> Outcome {
    let db = Db::open().await?;
    let caches = Caches::from_env().await?;
    for (department, ttl) in DEPARTMENTS {
        let shelf = Shelf::new(&caches, &db, department, ttl)?;
        // A server remembers the last run; this report begins without it.
        shelf.forget().await?;
        ask_from_many_tasks(&db, &shelf).await?;
        change_a_price(&db, &shelf).await?;
    }
    println!("\n{}", caches.stats());
    caches.shutdown().await?;
    Ok(())
}

async fn ask_from_many_tasks(db: &Db, shelf: &Shelf) -> Outcome {
    const TASKS: usize = 1_000;
    let before = db.queries();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let shelf = shelf.clone();
        tasks.spawn(async move { shelf.cheapest(10).await });
    }
    while let Some(list) = tasks.join_next().await {
        list??;
    }
    // Once more, from the cache.
    shelf.cheapest(10).await?;
    let queries = db.queries() - before;
    println!(
        "\n{}: {TASKS} tasks asked for the ten cheapest, queries run: {queries}",
        shelf.department()
    );
    Ok(())
}

async fn change_a_price(db: &Db, shelf: &Shelf) -> Outcome {
    let list = shelf.cheapest(3).await?;
    for product in &list {
        shelf.product(product.id).await?;
    }
    let before = db.queries();
    let ids: Vec<u32> = list.iter().map(|product| product.id).collect();
    let known = shelf.known(&ids).await?;
    println!("  before         {}", shown(known[0].as_ref()));

    shelf.set_price(&list[0], list[0].cents + 1).await?;
    let new = shelf.product(ids[0]).await?;
    println!("  the next call  {}", shown(new.as_ref()));
    println!("  queries run: {}", db.queries() - before);
    let cents = new.map(|product| product.cents);
    assert_eq!(cents, Some(list[0].cents + 1), "an update is seen at once");
    Ok(())
}

fn shown(product: Option<&cached_examples::shop::Product>) -> String {
    product.map_or_else(|| "none".to_owned(), ToString::to_string)
}

//! What the handlers ask the database, each query under its cache.

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{cache, invalidate};

/// One product. An id that nobody has is remembered too, for less long: otherwise a client that keeps asking for it would
/// reach the database each time.
#[cache(key = "product:{id}", ttl = "1h", jitter = "10%", none_ttl = "30s", skip(db))]
pub(crate) async fn product(db: &Db, id: u32) -> Result<Option<Product>, DbError> {
    db.query_one("SELECT * FROM products WHERE id = ?1", (id,)).await
}

/// The ten cheapest products of a category. Anybody may ask for a category that does not exist, so an empty list, which
/// costs a whole scan too, is kept; a few hundred lists are all that memory should hold of them.
#[cache(
    key = "cheapest:{category}",
    ttl = "5m",
    jitter = "10%",
    capacity = 500,
    skip(db)
)]
pub(crate) async fn cheapest(db: &Db, category: &str) -> Result<Vec<Product>, DbError> {
    let sql = "SELECT * FROM products WHERE category = ?1 ORDER BY cents, id LIMIT 10";
    db.query(sql, (category.to_owned(),)).await
}

/// Changes a price. `output` is the changed product; where there was none, nothing is removed from the caches.
#[invalidate(product(id), cheapest(output.category))]
pub(crate) async fn set_price(db: &Db, id: u32, cents: u32) -> Result<Option<Product>, DbError> {
    db.query_one(
        "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
        (id, cents),
    )
    .await
}

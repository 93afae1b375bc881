//! The annotated functions: two that read, one that writes. Their bodies are what they would be without a cache.

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{cache, invalidate};

/// One product.
#[cache(key = "product:{id}", ttl = "1h", skip(db))]
pub(crate) async fn product(db: &Db, id: u32) -> Result<Option<Product>, DbError> {
    db.query_one("SELECT * FROM products WHERE id = ?1", (id,)).await
}

/// The ten cheapest products of a category.
#[cache(key = "cheapest:{category}", ttl = "5m", jitter = "10%", skip(db))]
pub(crate) async fn cheapest(db: &Db, category: &str) -> Result<Vec<Product>, DbError> {
    let sql = "SELECT * FROM products WHERE category = ?1 ORDER BY cents, id LIMIT 10";
    db.query(sql, (category.to_owned(),)).await
}

/// Changes a price, and removes what the caches held about it: the product, and the list it may have moved in.
#[invalidate(product(id), cheapest(output.category))]
pub(crate) async fn set_price(db: &Db, id: u32, cents: u32) -> Result<Option<Product>, DbError> {
    db.query_one(
        "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
        (id, cents),
    )
    .await
}

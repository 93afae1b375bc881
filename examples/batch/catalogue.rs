//! The annotated functions: one product, many of them, and a writer. Their bodies are what they would be without a cache.

use std::collections::HashMap;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{cache, invalidate};

/// One product.
#[cache(key = "product:{id}", ttl = "1h", none_ttl = "1m", skip(db))]
pub(crate) async fn product(db: &Db, id: u32) -> Result<Option<Product>, DbError> {
    db.query_one("SELECT * FROM products WHERE id = ?1", (id,)).await
}

/// Many products: those that `product` has cached, and of the others whatever one query finds.
#[cache(entries(product(id) for id in ids), skip(db))]
pub(crate) async fn products(db: &Db, ids: &[u32]) -> Result<HashMap<u32, Product>, DbError> {
    let sql = "SELECT * FROM products WHERE id IN (SELECT value FROM json_each(?1))";
    let found = db.query(sql, (format!("{ids:?}"),)).await?;
    Ok(found.into_iter().map(|product| (product.id, product)).collect())
}

/// Changes a price. What it removes is removed for batches too: they share the entry.
#[invalidate(product(id))]
pub(crate) async fn set_price(db: &Db, id: u32, cents: u32) -> Result<Option<Product>, DbError> {
    db.query_one(
        "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
        (id, cents),
    )
    .await
}

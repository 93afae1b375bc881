//! The products of one department, through caches of its own.

use std::time::Duration;

use cached_examples::shop::{Db, DbError, Product};
use cached_runtime::{Cache, Caches, Error, Strategy};

/// Cheap to clone, as the handles in it are.
#[derive(Clone)]
pub(crate) struct Shelf {
    db: Db,
    department: String,
    products: Cache<Product>,
    lists: Cache<Vec<Product>>,
}

impl Shelf {
    pub(crate) fn new(caches: &Caches, db: &Db, department: &str, ttl: Duration) -> Result<Self, Error> {
        Ok(Self {
            db: db.clone(),
            department: department.to_owned(),
            // One for all departments: built with the same settings, it is the same.
            products: caches
                .cache("products")
                .ttl(Duration::from_secs(3600))
                .strategy(Strategy::WriteThrough)
                .build()?,
            // A closure may capture, here the department's own settings.
            lists: caches
                .cache(format!("cheapest-{department}"))
                .ttl_with(move |list: &Vec<Product>| if list.is_empty() { ttl / 10 } else { ttl })
                .refresh_at(0.8)
                .build()?,
        })
    }

    pub(crate) fn department(&self) -> &str {
        &self.department
    }

    /// Those who wait for a query that fails get its error, which is `Clone`. What the loader uses is its own, so that it
    /// can run in the background for a list that is past 0.8 of its life.
    pub(crate) async fn cheapest(&self, count: u32) -> Result<Vec<Product>, DbError> {
        let (db, department) = (self.db.clone(), self.department.clone());
        let sql = "SELECT * FROM products WHERE category = ?1 ORDER BY cents, id LIMIT ?2";
        let load = move || async move { db.query(sql, (department, count)).await };
        self.lists
            .entry(count)
            .get_or_reload_with(DbError::clone, load)
            .await
    }

    pub(crate) async fn product(&self, id: u32) -> Result<Option<Product>, DbError> {
        let load = || self.db.query_one("SELECT * FROM products WHERE id = ?1", (id,));
        self.products
            .entry(id)
            .get_or_load_with(DbError::clone, load)
            .await
    }

    /// What is known of these products without asking the database.
    pub(crate) async fn known(&self, ids: &[u32]) -> Result<Vec<Option<Product>>, Error> {
        self.products.get_many(ids).await
    }

    /// The caches have the product with its new price, and none of the lists that it may have moved in.
    pub(crate) async fn set_price(
        &self,
        product: &Product,
        cents: u32,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let (id, product) = (product.id, product.clone());
        let write = || {
            self.db.query_one(
                "UPDATE products SET cents = ?2 WHERE id = ?1 RETURNING *",
                (id, cents),
            )
        };
        self.products
            .entry(id)
            .update(Product { cents, ..product }, write)
            .await??;
        self.lists.clear().await?;
        Ok(())
    }

    pub(crate) async fn forget(&self) -> Result<(), Error> {
        self.products.clear().await?;
        self.lists.clear().await
    }
}

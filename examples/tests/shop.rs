//! The shop without its caches.

use cached_examples::shop::{CATEGORIES, Db, PRODUCTS};

#[tokio::test]
async fn is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/products.sqlite");

    let first = Db::open_at(&file).await.unwrap();
    assert!(first.was_made());
    first
        .query("UPDATE products SET cents = 7 WHERE id = 1 RETURNING *", ())
        .await
        .unwrap();

    let second = Db::open_at(&file).await.unwrap();
    assert!(!second.was_made());
    let product = second
        .query_one("SELECT * FROM products WHERE id = 1", ())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(product.cents, 7);
    assert_eq!(
        std::fs::read_dir(file.parent().unwrap()).unwrap().count(),
        3,
        "the database and its two logs"
    );
}

#[tokio::test]
async fn has_the_same_products_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_at(folder.path().join("products.sqlite")).await.unwrap();

    let all = db.query("SELECT * FROM products ORDER BY id", ()).await.unwrap();
    assert_eq!(all.len(), PRODUCTS as usize);
    assert_eq!(all[0].to_string(), "Fine Basket 1, 189.89");
    for category in CATEGORIES {
        assert!(
            all.iter().filter(|product| product.category == category).count() > 10_000,
            "{category}"
        );
    }
}

#[tokio::test]
async fn two_openers_at_once_share_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("products.sqlite");
    // One process would write to one draft, so the second opener comes when the first has its name.
    let first = Db::open_at(&file).await.unwrap();
    let second = Db::open_at(&file).await.unwrap();
    first
        .query("DELETE FROM products WHERE id = 1 RETURNING *", ())
        .await
        .unwrap();
    assert_eq!(
        second
            .query_one("SELECT * FROM products WHERE id = 1", ())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn counts_its_queries_and_survives_a_failed_one() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_at(folder.path().join("products.sqlite")).await.unwrap();

    let error = db.query("SELECT * FROM nowhere", ()).await.unwrap_err();
    assert!(error.to_string().contains("no such table"), "{error}");
    assert!(
        db.query_one("SELECT * FROM products WHERE id = ?1", (3,))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(db.queries(), 2);
}

//! Bytes in the table that nobody should have written: each is a miss, is counted, and is replaced.

use cached_tests::Database;

use crate::functions::{Source, caches, databases, far, far_key, far_stats};

#[tokio::test]
async fn bytes_that_are_no_entry_are_replaced() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(7);
        caches.scope(far(&database, &source, 1)).await;
        let good = hex(&database);
        assert!(good.len() > 50);
        let mut hostile: Vec<Vec<u8>> = vec![
            Vec::new(),
            vec![0],
            vec![0xFF; 10_000],
            b"rubbish".to_vec(),
            good[..good.len() - 1].to_vec(),
            good.repeat(2),
        ];
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 0x10;
            hostile.push(flipped);
        }
        for (number, bytes) in hostile.iter().enumerate() {
            let value = database.literal(bytes);
            database.sql(&format!("UPDATE cached_entries SET value = {value}"));
            let fresh = 1_000 + number as u64;
            source.set(fresh);
            let calls = async {
                let what = format!("{} {number}", database.name());
                let before = far_stats(&database).rejected;
                assert_eq!(far(&database, &source, 1).await, fresh, "{what}");
                assert_eq!(far_stats(&database).rejected, before + 1, "{what}");
                source.set(0);
                assert_eq!(far(&database, &source, 1).await, fresh, "{what} was not replaced");
            };
            caches.scope(calls).await;
        }
    }
}

fn hex(database: &Database) -> Vec<u8> {
    let column = match database {
        Database::Postgres(_) => "encode(value, 'hex')",
        _ => "HEX(value)",
    };
    let text = database.sql(&format!("SELECT {column} FROM cached_entries"));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn an_entry_under_another_key_or_another_hash_is_not_found() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(1);
        let calls = async {
            far(&database, &source, 1).await;
            // The row of one key says that it is another's.
            let other = database.literal(far_key(&database, 2).as_bytes());
            database.sql(&format!("UPDATE cached_entries SET name = {other}"));
            source.set(2);
            assert_eq!(far(&database, &source, 1).await, 2, "{}", database.name());
            assert_eq!(far(&database, &source, 1).await, 2);
            // And the entry of one key stands in the row of another.
            source.set(3);
            assert_eq!(far(&database, &source, 2).await, 3);
            let first = database.literal(far_key(&database, 1).as_bytes());
            database.sql(&format!(
                "CREATE TABLE kept AS SELECT value FROM cached_entries WHERE name = {first}; \
                 UPDATE cached_entries SET value = (SELECT value FROM kept)"
            ));
            source.set(4);
            assert_eq!(far(&database, &source, 2).await, 4, "{}", database.name());
            assert_eq!(far_stats(&database).rejected, 1);
        };
        caches.scope(calls).await;
    }
}

#[tokio::test]
async fn odd_leases_ends_and_keys_are_no_error() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(1);
        let wrong = database.literal(&[0xFF; 32]);
        for change in [
            "UPDATE cached_entries SET value = NULL, expires_at = NULL",
            "UPDATE cached_entries SET expires_at = -9223372036854775807",
            "UPDATE cached_entries SET expires_at = 1, leased_until = 9223372036854775807",
            "UPDATE cached_entries SET value = NULL, leased_until = -1, token = writer",
            &format!("UPDATE cached_entries SET name = {wrong}, head = {wrong}"),
        ] {
            caches.scope(far(&database, &source, 1)).await;
            database.sql(change);
            let loads = source.loads();
            caches.scope(far(&database, &source, 1)).await;
            caches.scope(far(&database, &source, 1)).await;
            assert_eq!(source.loads(), loads + 1, "{} {change}", database.name());
        }
        // A key that is not UTF-8 does not stop a removal by pattern.
        database.sql(&format!(
            "UPDATE cached_entries SET name = {wrong}, head = {wrong}"
        ));
        caches.scope(far(&database, &source, 2)).await;
        caches.invalidate_pattern("*").await.unwrap();
        assert_eq!(database.count("value IS NOT NULL"), 1, "{}", database.name());
    }
}

/// A table of the user's own making may be lax about types.
#[tokio::test]
async fn what_is_not_bytes_is_replaced() {
    let database = Database::sqlite();
    database.sql(
        "CREATE TABLE cached_entries (hash BLOB PRIMARY KEY, head, name, value, expires_at, token, leased_until, writer)",
    );
    let caches = caches(&database).await;
    let source = Source::of(1);
    for change in [
        "value = 42",
        "value = 1.5",
        "value = 'text'",
        "expires_at = 'never'",
        "expires_at = 1e300",
        "value = NULL, token = 42, leased_until = 1e300",
    ] {
        caches.scope(far(&database, &source, 1)).await;
        database.sql(&format!("UPDATE cached_entries SET {change}"));
        let loads = source.loads();
        caches.scope(far(&database, &source, 1)).await;
        caches.scope(far(&database, &source, 1)).await;
        assert_eq!(source.loads(), loads + 1, "{change}");
    }
}

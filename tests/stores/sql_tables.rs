//! What can be wrong with a database and its table, each told at connecting, and told without a password.

use cached_runtime::stores::Sql;
use cached_runtime::{Error, ErrorKind, Lookup, Store};
use cached_tests::{Database, MariaDbServer, PostgresServer, SqliteFile};

use crate::redis::missing;
use crate::sql::databases;

async fn mistake(url: &str) -> String {
    told(Sql::connect(url).await)
}

fn told(connected: Result<Sql, Error>) -> String {
    let error = connected.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    text
}

#[tokio::test]
async fn refused_credentials_and_databases() {
    let mariadb = MariaDbServer::start().await;
    let postgres = PostgresServer::start().await;
    for url in [mariadb.url(), postgres.url()] {
        mistake(&url.replace("s3cret", "s3cretno")).await;
        mistake(&url.replace("shop:s3cret@", "nobody:s3cretno@")).await;
        mistake(&url.replace("/shop", "/nowhere")).await;
        let store = Sql::connect(&url).await.unwrap();
        assert!(!format!("{store:?} {}", store.describe()).contains("s3cret"));
    }
    let file = SqliteFile::new();
    mistake(&file.url().replace("cache.db", "nowhere/cache.db")).await;
    std::fs::write(
        file.path(),
        "no database, but text that is long enough to be taken for one".repeat(20),
    )
    .unwrap();
    mistake(&file.url()).await;
}

#[tokio::test]
async fn a_table_that_is_missing_is_made_only_if_wanted() {
    for database in databases().await {
        if database.name() == "sqlite" {
            database.sql("CREATE TABLE other (a INTEGER)");
        }
        let asked = Sql::builder(database.url()).create_table(false);
        let text = told(asked.connect().await);
        assert!(
            text.contains("`cached_entries`") && text.contains("does not exist"),
            "{text}"
        );
        let store = Sql::connect(database.url()).await.unwrap();
        Sql::builder(database.url())
            .create_table(false)
            .connect()
            .await
            .unwrap();
        store.put("shop:a", b"1", None).await.unwrap();
        // Somebody drops it under way.
        database.sql("DROP TABLE cached_entries");
        assert_eq!(store.get("shop:a").await.unwrap_err().kind(), ErrorKind::Store);
        missing(&store, "shop:a").await;
    }
    let absent = SqliteFile::new();
    told(Sql::builder(absent.url()).create_table(false).connect().await);
}

#[tokio::test]
async fn a_table_of_a_name_of_ones_own_is_another_table() {
    for database in databases().await {
        let one = Sql::connect(database.url()).await.unwrap();
        let other = Sql::builder(database.url())
            .table("Other_1")
            .connect()
            .await
            .unwrap();
        one.put("shop:a", b"1", None).await.unwrap();
        missing(&other, "shop:a").await;
        assert!(matches!(one.get("shop:a").await.unwrap(), Lookup::Found(_)));
        told(Sql::builder(database.url()).table("a b").connect().await);
    }
}

#[tokio::test]
async fn a_table_of_another_shape() {
    for database in databases().await {
        database.sql("CREATE TABLE cached_entries (a INTEGER)");
        if let Database::Postgres(server) = &database {
            server.sql("GRANT ALL ON cached_entries TO shop");
        }
        let text = mistake(&database.url()).await;
        assert!(text.contains("not one that this store can use"), "{text}");
    }
}

#[tokio::test]
async fn several_that_create_the_table_at_once() {
    for database in databases().await {
        let connecting: Vec<_> = (0..8)
            .map(|_| {
                let url = database.url();
                tokio::spawn(async move { Sql::connect(url).await })
            })
            .collect();
        for connected in connecting {
            connected.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn missing_rights_and_read_only_databases() {
    let mariadb = MariaDbServer::start().await;
    mariadb.sql("CREATE USER reader@'%' IDENTIFIED BY 's3cret'; GRANT SELECT ON shop.* TO reader@'%'");
    let reader = mariadb.url().replace("shop:s3cret", "reader:s3cret");
    let text = mistake(&reader).await;
    assert!(text.contains("cannot be created"), "{text}");
    Sql::connect(mariadb.url()).await.unwrap();
    let text = mistake(&reader).await;
    assert!(text.contains("lacks SELECT, INSERT"), "{text}");
    mariadb.sql("SET GLOBAL read_only = 1");
    let text = mistake(&mariadb.url()).await;
    assert!(text.contains("read-only"), "{text}");

    let postgres = PostgresServer::start().await;
    postgres.sql("CREATE USER reader PASSWORD 's3cret'");
    let reader = postgres.url().replace("shop:s3cret", "reader:s3cret");
    let text = mistake(&reader).await;
    assert!(text.contains("cannot be created"), "{text}");
    Sql::connect(postgres.url()).await.unwrap();
    postgres.sql("GRANT SELECT ON cached_entries TO reader");
    let text = mistake(&reader).await;
    assert!(text.contains("lacks SELECT, INSERT"), "{text}");
    let read_only = format!("{}?options[default_transaction_read_only]=on", postgres.url());
    let text = mistake(&read_only).await;
    assert!(text.contains("read-only"), "{text}");

    let file = SqliteFile::new();
    Sql::connect(file.url()).await.unwrap();
    let text = mistake(&format!("{}?mode=ro", file.url())).await;
    assert!(text.contains("read-only"), "{text}");
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_not_accepted() {
    let mariadb = MariaDbServer::tls().await;
    let postgres = PostgresServer::tls().await;
    for url in [
        format!("{}?ssl-mode=VERIFY_CA", mariadb.url()),
        format!("{}?sslmode=verify-full", postgres.url()),
    ] {
        let store = Sql::connect(&url).await.unwrap();
        let error = store.ping().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
    }
    // Nor is a file without any trusted for want of another.
    for url in [
        format!("{}?ssl-mode=VERIFY_CA&ssl-ca=/nowhere.pem", mariadb.url()),
        format!("{}?sslmode=verify-full&sslrootcert=/nowhere.pem", postgres.url()),
    ] {
        let connected = Sql::connect(&url).await;
        let refused = match connected {
            Ok(store) => store.ping().await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "{url}");
    }
}

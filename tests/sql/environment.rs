//! `CACHE_SQL_URL`: a program that sets nothing up, on a database.

use cached_tests::{Database, MemcachedServer, SqliteFile, run_program};

async fn run(start: &str, environment: &[(&str, &str)]) -> String {
    let output = run_program(env!("CARGO_BIN_EXE_plain"), start, environment).await;
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    String::from_utf8(output.stdout).unwrap() + &log
}

#[tokio::test]
async fn the_scheme_names_the_store() {
    for database in [
        Database::mariadb().await,
        Database::postgres().await,
        Database::sqlite(),
    ] {
        let (url, name) = (database.url(), database.name());
        let above = format!("local,{name}");
        for (chain, loads) in [(name, "loads 2"), (&*above, "loads 0")] {
            let environment = [("CACHE_SQL_URL", &*url), ("CACHE_BACKEND", chain)];
            let said = run("from_env", &environment).await;
            for line in [loads, &*format!("chain {chain}")] {
                assert!(said.lines().any(|said| said == line), "no {line:?} in {said}");
            }
        }
        assert_eq!(database.count("value IS NOT NULL"), 2);
        // Not the default: a program may have its data there, and no wish for a cache in it.
        assert!(
            run("implicit", &[("CACHE_SQL_URL", &url)])
                .await
                .contains("chain local\n")
        );
    }
}

#[tokio::test]
async fn another_store_is_the_default_and_a_chain_may_have_both() {
    let (memcached, file) = (MemcachedServer::start().await, SqliteFile::new());
    let set = [
        ("MEMCACHED_ADDR", &*memcached.address()),
        ("CACHE_SQL_URL", &*file.url()),
    ];
    assert!(run("from_env", &set).await.contains("chain memcached\n"));
    memcached.say("flush_all").await;
    let [first, second] = set;
    let chain = ("CACHE_BACKEND", "local,memcached,sqlite");
    // The second time the entries are found in the file alone.
    for loads in ["loads 2\n", "loads 0\n"] {
        let said = run("from_env", &[first, second, chain]).await;
        assert!(
            said.contains(loads) && said.contains("chain local,memcached,sqlite\n"),
            "{said}"
        );
        memcached.say("flush_all").await;
    }
}

#[tokio::test]
async fn a_mistake_names_its_variable_and_no_password() {
    let file = SqliteFile::new();
    for (url, chain, about) in [
        ("mysql://u:s3cret@host:port/shop", "mysql", "CACHE_SQL_URL"),
        ("oracle://u:s3cret@host/shop", "local", "CACHE_SQL_URL"),
        (
            &*file.url(),
            "local,mysql",
            "names mysql, and CACHE_SQL_URL is set to no URL of mysql",
        ),
        ("", "local,sqlite", "names sqlite, and CACHE_SQL_URL is not set"),
    ] {
        let said = run("from_env", &[("CACHE_SQL_URL", url), ("CACHE_BACKEND", chain)]).await;
        assert!(
            said.contains("error Configuration") && said.contains(about),
            "{said}"
        );
        assert!(!said.contains("s3cret"), "{said}");
    }
}

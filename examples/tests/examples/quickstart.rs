//! What the quickstart promises on the terminal.

use std::process::Stdio;

use cached_tests::{MemcachedServer, RedisServer};

use crate::place::Place;

#[test]
fn tells_its_story_from_memory() {
    let place = Place::new();
    let said = place.run("quickstart");
    assert!(said.contains("made just now"), "{said}");
    assert!(said.contains("Entries are kept in memory."), "{said}");
    expect_story(&said);

    let said = place.run("quickstart");
    assert!(said.contains("made by an earlier run"), "{said}");
    expect_story(&said);
}

#[tokio::test]
async fn tells_the_same_story_from_redis() {
    let server = RedisServer::start().await;
    let place = Place::with_redis(server.url());
    for _ in 0..2 {
        let said = place.run("quickstart");
        assert!(said.contains("in Redis (REDIS_URL is set)"), "{said}");
        expect_story(&said);
        // Two lists and a product, which the program leaves behind.
        assert!(server.cli::<u64>(&["DBSIZE"]).await >= 3, "{said}");
    }
}

#[tokio::test]
async fn tells_the_same_story_from_memcached() {
    let server = MemcachedServer::start().await;
    let place = Place::new();
    for _ in 0..2 {
        let mut program = place.command("quickstart");
        let output = program.env("MEMCACHED_ADDR", server.address()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("in Memcached (MEMCACHED_ADDR is set)"), "{said}");
        expect_story(&said);
        assert!(server.items().await >= 3, "{said}");
    }
}

fn expect_story(said: &str) {
    let line = |start: &str| {
        let found = said.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("no line {start:?} in\n{said}"))
    };
    assert!(line("first call").contains("asked SQLite"), "{said}");
    assert!(line("second call").contains("from the cache"), "{said}");
    assert!(line("10000 answers").ends_with("queries run: 1"), "{said}");

    // The program itself compares the prices; here, that it says them.
    assert_ne!(
        line("before").split_whitespace().last(),
        line("the next call").split_whitespace().last(),
        "{said}"
    );
    for name in ["product", "cheapest"] {
        let statistics = said.rsplit("the next call").next();
        assert!(
            statistics.is_some_and(|table| table.contains(name)),
            "no statistics of {name} in\n{said}"
        );
    }
}

#[test]
fn says_that_a_url_cannot_be_used() {
    let place = Place::with_redis("redis:/nowhere".to_owned());
    let output = place
        .command("quickstart")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("REDIS_URL: "), "{said}");
}

//! What the example of a chain promises on the terminal.

use cached_tests::RedisServer;

use crate::place::Place;

#[test]
fn a_file_is_warm_after_a_restart() {
    let place = Place::new();
    for _ in 0..2 {
        expect_story(&place.run("chain"));
    }
}

#[tokio::test]
async fn the_same_with_redis_in_the_middle() {
    let server = RedisServer::start().await;
    let said = Place::with_redis(server.url()).run("chain");
    expect_story(&said);
    assert!(said.contains("redis 1, sqlite 0"), "{said}");
}

fn expect_story(said: &str) {
    let queries: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split("queries run: ").nth(1))
        .collect();
    assert_eq!(queries, ["1", "0", "0", "0", "1"], "{said}");
}

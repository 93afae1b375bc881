//! What the batch example promises on the terminal.

use cached_tests::RedisServer;

use crate::place::Place;

#[test]
fn reads_from_memory_what_is_there_and_the_rest_at_once() {
    expect_story(&Place::new().run("batch"));
}

#[tokio::test]
async fn reads_from_redis_what_is_there_and_the_rest_at_once() {
    let server = RedisServer::start().await;
    let place = Place::with_redis(server.url());
    for _ in 0..2 {
        expect_story(&place.run("batch"));
    }
    assert!(server.cli::<u64>(&["DBSIZE"]).await >= 220);
}

fn expect_story(said: &str) {
    let expected = [
        "100 products, 3 of them read before: 100 found, queries run: 1",
        "the same once more: 100 found, queries run: 0",
        "two more, and one that does not exist: 3 found, queries run: 1",
        "the same: that there is none is known: 3 found, queries run: 0",
        "after a change of one of them: 100 found, queries run: 1",
        "10 pages of 30 that overlap, at once: 300 found, products read: 120, queries run: ",
    ];
    for line in expected {
        assert!(said.contains(line), "no line {line:?} in\n{said}");
    }
}

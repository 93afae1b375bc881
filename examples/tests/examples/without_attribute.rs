//! What the example of caches without an attribute promises on the terminal.

use cached_tests::RedisServer;

use crate::place::Place;

#[test]
fn tells_its_story_from_memory() {
    expect_story(&Place::new().run("without-attribute"));
}

#[tokio::test]
async fn tells_the_same_story_from_redis() {
    let server = RedisServer::start().await;
    let place = Place::with_redis(server.url());
    for _ in 0..2 {
        expect_story(&place.run("without-attribute"));
        // The lists were removed again; products are left.
        assert!(server.cli::<u64>(&["DBSIZE"]).await >= 3);
    }
}

/// The program itself compares the prices; here, that it says what the caches have spared.
fn expect_story(said: &str) {
    for department in ["garden", "kitchen"] {
        let line = format!("{department}: 1000 tasks asked for the ten cheapest, queries run: 1\n");
        assert!(said.contains(&line), "{said}");
        assert!(said.contains(&format!("\ncheapest-{department} ")), "{said}");
    }
    // The update, and nothing for what is read after it.
    assert_eq!(said.matches("  queries run: 1\n").count(), 2, "{said}");
    assert!(said.contains("\nproducts "), "{said}");
}

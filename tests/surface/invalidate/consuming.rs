//! Bodies that take their arguments: keys are rendered before.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "i11:{name}:{ids}", backend = "local")]
async fn users(name: &str, ids: &[u64]) -> usize {
    name.len() + ids.len()
}

/// Neither `Clone` nor `Copy`.
struct Request {
    name: String,
    ids: Vec<u64>,
}

#[invalidate(users(&request.name, &request.ids))]
async fn take(request: Request) -> usize {
    let Request { name, ids } = request;
    drop(name);
    ids.len()
}

#[invalidate(users(&name, &ids), key = "i11:{name}:{ids}")]
async fn take_and_change(mut name: String, mut ids: Vec<u64>) -> (String, Vec<u64>) {
    name.push('!');
    ids.clear();
    (name, ids)
}

#[invalidate(users(*name, *ids))]
async fn change_by_reference(name: &mut String, ids: &mut Vec<u64>) {
    name.push('!');
    ids.clear();
}

#[invalidate(users(&output.name, &request.ids))]
async fn take_with_output(request: Request) -> Request {
    Request {
        name: "output".to_owned(),
        ..request
    }
}

#[invalidate(users(make_name(), [1, 2]))]
async fn with_pattern((a, b): (u64, u64)) -> u64 {
    a + b
}

fn make_name() -> String {
    "made".to_owned()
}

async fn there(name: &str) -> bool {
    users_entry(name, [1, 2]).get().await.unwrap().is_some()
}

#[tokio::test]
async fn the_entry_is_that_of_the_arguments_as_they_came() {
    world(async |_| {
        for name in ["a", "a!", "output", "made"] {
            users(name, &[1, 2]).await;
        }
        let request = || Request {
            name: "a".to_owned(),
            ids: vec![1, 2],
        };
        assert_eq!(take(request()).await, 2);
        assert!(!there("a").await && there("a!").await);
        users("a", &[1, 2]).await;
        take_and_change("a".to_owned(), vec![1, 2]).await;
        assert!(!there("a").await && there("a!").await);
        users("a", &[1, 2]).await;
        change_by_reference(&mut "a".to_owned(), &mut vec![1, 2]).await;
        assert!(!there("a").await && there("a!").await);
        assert_eq!(take_with_output(request()).await.ids, [1, 2]);
        assert!(!there("output").await);
        assert_eq!(with_pattern((1, 2)).await, 3);
        assert!(!there("made").await);
    })
    .await;
}

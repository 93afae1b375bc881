//! What may be written for a key argument of `f_entry`: a value, a reference, the borrowed forms of strings and lists.

#![expect(
    clippy::needless_borrows_for_generic_args,
    reason = "references are among what may be written"
)]

use std::net::IpAddr;
use std::sync::Arc;

use cached_runtime::{Entry, KeyPart, cache};

use crate::world::world;

#[derive(KeyPart, Clone, Copy)]
struct OrderId(u64);

#[cache(backend = "local")]
async fn number(id: u64) -> u64 {
    id
}

#[cache(backend = "local")]
async fn text(id: &str) -> u64 {
    id.len() as u64
}

#[cache(backend = "local")]
async fn owned(id: String) -> u64 {
    id.len() as u64
}

#[cache(backend = "local")]
async fn list(ids: &[u64]) -> u64 {
    ids.len() as u64
}

#[cache(backend = "local")]
async fn owned_list(ids: Vec<u64>) -> u64 {
    ids.len() as u64
}

#[cache(backend = "local")]
async fn optional(id: Option<u64>, name: Option<String>) -> u64 {
    let _ = name;
    id.unwrap_or(0)
}

#[cache(backend = "local")]
async fn several(order: OrderId, flag: bool, letter: char, address: IpAddr, shared: Arc<str>) -> u64 {
    let _ = (flag, letter, address, shared);
    order.0
}

#[cache(backend = "local")]
async fn generic<K: KeyPart + Sync>(key: &K, list: &[K]) -> u64 {
    let _ = key;
    list.len() as u64
}

async fn all_found(entries: impl IntoIterator<Item = Entry<u64>>) {
    for entry in entries {
        assert!(entry.get().await.unwrap().is_some(), "{entry:?}");
    }
}

#[tokio::test]
async fn numbers() {
    world(async |_| {
        number(41).await;
        let id = 41;
        all_found([
            number_entry(41),
            number_entry(&41),
            number_entry(&&41),
            number_entry(id),
            number_entry(&id),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn strings() {
    world(async |_| {
        text("a").await;
        owned("a".to_owned()).await;
        let string = String::from("a");
        all_found([
            text_entry("a"),
            text_entry(&"a"),
            text_entry(&string),
            text_entry(string.clone()),
        ])
        .await;
        all_found([text_entry(&*string), text_entry(string.as_str())]).await;
        all_found([
            owned_entry("a"),
            owned_entry(&"a"),
            owned_entry(&string),
            owned_entry(string),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn lists() {
    world(async |_| {
        list(&[1, 2]).await;
        owned_list(vec![1, 2]).await;
        let vec = vec![1, 2];
        all_found([
            list_entry(&[1, 2]),
            list_entry([1, 2]),
            list_entry(&vec),
            list_entry(&vec[..]),
        ])
        .await;
        all_found([
            owned_list_entry(&[1, 2]),
            owned_list_entry([1, 2]),
            owned_list_entry(&vec),
        ])
        .await;
        all_found([
            owned_list_entry(&vec[..]),
            owned_list_entry(vec.clone()),
            list_entry(vec),
        ])
        .await;
        list(&[]).await;
        all_found([list_entry(&[]), list_entry([]), list_entry(Vec::new())]).await;
    })
    .await;
}

#[tokio::test]
async fn options() {
    world(async |_| {
        optional(None, None).await;
        optional(Some(3), Some("x".to_owned())).await;
        all_found([optional_entry(None, None), optional_entry(&None, &None)]).await;
        let name = Some("x".to_owned());
        all_found([
            optional_entry(Some(3), &name),
            optional_entry(&Some(3), name.clone()),
        ])
        .await;
        assert_eq!(optional_entry(None, name).get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn types_of_ones_own_and_others() {
    world(async |_| {
        let address = IpAddr::from([127, 0, 0, 1]);
        several(OrderId(1), true, 'x', address, "s".into()).await;
        let shared: Arc<str> = "s".into();
        all_found([
            several_entry(OrderId(1), true, 'x', address, Arc::clone(&shared)),
            several_entry(&OrderId(1), &true, &'x', &address, &shared),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_names_a_type_parameter_is_taken_by_reference() {
    world(async |_| {
        generic(&1_u8, &[2]).await;
        generic("a".as_bytes().first().unwrap(), &[]).await;
        generic(&"a", &["b"]).await;
        all_found([
            generic_entry(&1_u8, &[2]),
            generic_entry(&97_u8, &[]),
            generic_entry(&"a", &["b"]),
        ])
        .await;
    })
    .await;
}

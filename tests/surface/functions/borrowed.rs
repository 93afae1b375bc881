//! Borrowed arguments, lifetimes, `where` clauses.

#![expect(
    clippy::needless_borrows_for_generic_args,
    clippy::ptr_arg,
    clippy::multiple_bound_locations,
    reason = "whatever compiles may be written"
)]

use std::borrow::Cow;

use cached_runtime::{KeyPart, cache};

use crate::world::world;

#[derive(KeyPart, Clone)]
struct Region<'a> {
    country: &'a str,
    zones: &'a [u8],
}

#[cache(backend = "local")]
async fn texts(a: &str, b: Option<&str>, c: &String, d: Cow<'_, str>) -> String {
    format!("{a}{b:?}{c}{d}")
}

#[cache(backend = "local")]
async fn lists(a: &[u64], b: &[&str], c: &Vec<String>, d: &[[u8; 2]; 2], e: [Option<u8>; 2]) -> usize {
    let _ = (d, e);
    a.len() + b.len() + c.len()
}

#[cache(backend = "local")]
async fn references<'a, 'b: 'a>(a: &'a u64, b: &'b &'a u64, region: &Region<'a>) -> u64
where
    'b: 'a,
{
    *a + **b + region.zones.iter().map(|zone| u64::from(*zone)).sum::<u64>()
}

#[cache(key = "f3:{region.country}:{region.zones}", backend = "local")]
async fn by_fields(region: Region<'_>) -> usize {
    region.zones.len()
}

#[cache(skip(out), backend = "local")]
async fn filling(out: &mut Vec<u64>, id: u64) -> u64 {
    out.push(id);
    id
}

#[cache(backend = "local")]
async fn tuple(pair: (u8, &str), nested: (u8, (bool, char)), unit: ()) -> u8 {
    let _ = (nested, unit);
    pair.0
}

#[tokio::test]
async fn calls_with_borrowed_arguments_hit() {
    world(async |_| {
        let (name, list) = ("b".to_owned(), vec!["x".to_owned()]);
        for _ in 0..2 {
            assert_eq!(
                texts("a", Some(&name), &name, Cow::Borrowed("d")).await,
                "aSome(\"b\")bd"
            );
            assert_eq!(texts("a", None, &name, Cow::Owned(name.clone())).await, "aNonebb");
            assert_eq!(
                lists(&[1, 2], &["a"], &list, &[[1, 2], [3, 4]], [None, Some(1)]).await,
                4
            );
            let region = Region {
                country: "de",
                zones: &[1, 2],
            };
            assert_eq!(references(&1, &&2, &region).await, 6);
            assert_eq!(by_fields(region.clone()).await, 2);
            assert_eq!(tuple((1, "x"), (2, (true, 'y')), ()).await, 1);
        }
        assert_eq!(texts_cache().stats().hits, 2);
        assert_eq!(lists_cache().stats().hits, 1);
        assert_eq!(references_cache().stats().hits, 1);
        assert_eq!(by_fields_cache().stats().hits, 1);
        assert_eq!(tuple_cache().stats().hits, 1);
        let mut out = Vec::new();
        for id in [1, 2, 1] {
            assert_eq!(filling(&mut out, id).await, id);
        }
        assert_eq!(out, [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn entries_of_borrowed_arguments_are_found() {
    world(async |_| {
        let (name, list) = ("b".to_owned(), vec!["x".to_owned()]);
        texts("a", Some(&name), &name, Cow::Borrowed("d")).await;
        let entry = texts_entry("a", &Some("b"), &name, &Cow::Borrowed("d"));
        assert_eq!(entry.get().await.unwrap().as_deref(), Some("aSome(\"b\")bd"));
        lists(&[1, 2], &["a"], &list, &[[1, 2], [3, 4]], [None, Some(1)]).await;
        let entry = lists_entry(&[1, 2], &["a"], &list, [[1, 2], [3, 4]], [None, Some(1)]);
        assert_eq!(entry.get().await.unwrap(), Some(4));
        let region = Region {
            country: "de",
            zones: &[1, 2],
        };
        references(&1, &&2, &region).await;
        assert_eq!(references_entry(1, 2, &region).get().await.unwrap(), Some(6));
        by_fields(region.clone()).await;
        let entry = by_fields_entry(&region);
        assert_eq!(entry.key().to_string(), "f3:de:(1,2,)");
        assert_eq!(entry.get().await.unwrap(), Some(2));
    })
    .await;
}

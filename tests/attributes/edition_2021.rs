//! The same functions in the edition before.

#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]
#![expect(clippy::unused_async, reason = "bodies under test have nothing to wait for")]

mod arguments;
mod batches;
mod companions;
mod fixtures;
mod invalidation;
mod returns;
mod shapes;
mod surroundings;

pub use fixtures::{Runs, caches};

/// A word that is a keyword in the edition of the macros alone.
#[tokio::test]
async fn a_field_may_have_a_name_that_is_a_keyword_later() {
    struct Item {
        gen: u64,
        r#type: u64,
    }

    #[cached_runtime::cache(key = "item:{item.gen}:{item.r#type}", backend = "local")]
    async fn sum(item: &Item) -> u64 {
        item.gen + item.r#type
    }

    let caches = cached_runtime::Caches::builder().build().unwrap();
    let item = Item { gen: 1, r#type: 2 };
    assert_eq!(caches.scope(sum(&item)).await, 3);
    let text = caches.scope(async { sum_entry(&item).key().to_string() }).await;
    assert_eq!(text, "item:1:2");
}

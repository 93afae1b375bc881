// mistakes: 4
use cached_runtime::cache;
use std::borrow::Cow;

#[cache(backend = "local")]
async fn any<T: Clone + Send + Sync + From<u64>>(id: u64) -> Option<T> {
    Some(T::from(id))
}

#[cache(backend = "local", companions = false)]
async fn alone<T: Clone + Send + Sync + From<u64>>(id: u64) -> Option<T> {
    Some(T::from(id))
}

#[cache(backend = "local", cache_if = |value| *value == T::from(1))]
async fn hooked<T: Clone + PartialEq + Send + Sync + From<u64>>(id: u64) -> Option<T> {
    Some(T::from(id))
}

#[cache(backend = "local")]
async fn title(id: &str) -> Option<Cow<str>> {
    Some(id.into())
}

fn main() {}

use cached_runtime::{Cache, Caches, Error};

#[derive(serde::Serialize, serde::Deserialize)]
struct User;

fn users(caches: &Caches) -> Result<Cache<User>, Error> {
    caches.cache("users").build()
}

fn main() {}

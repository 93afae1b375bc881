use cached_runtime::{Cache, Caches, Error};

#[derive(Clone)]
struct User;

fn users(caches: &Caches) -> Result<Cache<User>, Error> {
    caches.cache("users").build()
}

fn in_memory(caches: &Caches) -> Result<Cache<User>, Error> {
    caches.cache("users").build_in_memory()
}

fn main() {}

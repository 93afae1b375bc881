// mistakes: 1, told in 2: neither `Send` nor `Sync`
use cached_runtime::{Cache, Caches, Error};
use std::rc::Rc;

fn numbers(caches: &Caches) -> Result<Cache<u64>, Error> {
    let most = Rc::new(5);
    caches.cache("numbers").cache_if(move |value: &u64| *value < *most).build()
}

fn main() {}

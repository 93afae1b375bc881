use cached_runtime::cache;

#[cache(skip(caches), caches = caches)]
async fn user(caches: &str, id: u64) -> u64 {
    id + caches.len() as u64
}

fn main() {}

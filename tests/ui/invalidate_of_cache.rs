// mistakes: 7
use cached_runtime::{cache, invalidate, update};

#[cache(skip(db))]
async fn get_user(db: &str, id: u64) -> u64 {
    let _ = db;
    id
}

#[cache]
async fn skip(id: u64) -> u64 {
    id
}

#[invalidate(get_user(id), skip(db))]
async fn skips(db: &str, id: u64) {
    let _ = (db, id);
}

#[update(get_user(id) = id, skip(db))]
async fn skips_too(db: &str, id: u64) {
    let _ = (db, id);
}

// One that is called so.
#[invalidate(self::skip(id), skip(id + 1), skip(..))]
async fn of_skip(id: u64) {
    let _ = id;
}

#[invalidate(get_user(id), ttl = "1h", tier("local", ttl = "30s"))]
async fn settings(id: u64) {
    let _ = id;
}

#[update(get_user(id) = id, backend = "local")]
async fn setting(id: u64) {
    let _ = id;
}

#[invalidate(key("user:{id}"))]
async fn by_key(id: u64) {
    let _ = id;
}

#[invalidate(get_user(id) = id)]
async fn value(id: u64) {
    let _ = id;
}

fn main() {}

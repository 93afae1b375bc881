// mistakes: 3

use cached_runtime::cache;

#[cache(expires = |user| user.until, backend = "local")]
async fn wrong(id: u64) -> User {
    User { until: id }
}

#[cache(expires = "1h", backend = "local")]
async fn text(id: u64) -> u64 {
    id
}

#[cache(expires = |value| id_of(*value, id), backend = "local")]
async fn captured(id: u64) -> u64 {
    id
}

fn id_of(value: u64, _: u64) -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(value)
}

#[derive(Clone)]
struct User {
    until: u64,
}

fn main() {}

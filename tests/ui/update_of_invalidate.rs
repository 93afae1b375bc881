// mistakes: 6
use cached_runtime::update;

#[update(key = "user:{id}", pattern = "user:*", tag = "org:{id}", when = "before", caches = id, get_user(id))]
async fn save(id: u64) -> Result<u64, ()> {
    Ok(id)
}

#[update(get_users(..))]
async fn save_all(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

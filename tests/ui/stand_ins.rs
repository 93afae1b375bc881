//! Whoever names the companions of a function whose attribute is mistaken is not mistaken too.
// mistakes: 5
use cached_runtime::{cache, invalidate};

pub struct Db;

mod users {
    use super::Db;

    #[cached_runtime::cache(key = "user:{id}", ttl = "1 fortnight")]
    pub async fn user(db: &Db, id: u64) -> Result<Option<String>, String> {
        let _ = db;
        Ok(Some(id.to_string()))
    }
}

#[cache(jitter = 5)]
async fn plain(id: u64, name: Option<&str>) -> Option<u64> {
    name.map(|_| id)
}

#[cache]
fn forgotten(id: u64) -> u64 {
    id
}

#[cache(capasity = 5)]
async fn generic<T: Clone + Send + 'static>(id: &T) -> u64 {
    let _ = id;
    7
}

struct Posts(u64);

impl Posts {
    #[cache(key = "{self.0}:{id}", tll = "1h")]
    async fn post(&self, id: u64) -> Option<String> {
        Some(id.to_string())
    }

    #[invalidate(self.post(id))]
    async fn edit(&self, id: u64) {
        let _ = self.post_entry(id);
        let _ = Self::post_cache();
        let _ = self.post_uncached(id).await;
    }
}

#[invalidate(users::user(id), plain(id, None), generic(name), plain(..), forgotten(id), forgotten(..))]
async fn rename(db: &Db, id: u64, name: String) {
    let entry = users::user_entry(&id);
    let _ = entry.insert(name.clone()).await;
    let user_cache = users::user_cache();
    let _ = user_cache.clear().await;
    if let Ok(Some(name)) = users::user_uncached(db, id).await {
        drop(name.len());
    }
    let _ = generic_entry::<String>(&name).get().await;
    let _ = generic_uncached(&name).await;
    Posts(id).edit(id).await;
}

fn main() {}

// mistakes: 4
use cached_runtime::cache;

#[derive(Clone)]
struct User;

#[derive(Clone, serde::Serialize)]
struct Half;

#[cache]
async fn user(id: u64) -> Result<User, String> {
    Err(id.to_string())
}

#[cache(backend = ["local", "redis"], companions = false)]
async fn users(id: u64) -> Option<Vec<User>> {
    Some(Vec::with_capacity(id as usize))
}

#[cache(backend = "redis")]
async fn half(id: u64) -> Option<Half> {
    (id > 0).then_some(Half)
}

struct Repo<T>(Vec<T>);

impl<T: Clone + Send + Sync + 'static> Repo<T> {
    #[cache(skip(self))]
    async fn at(&self, index: usize) -> Option<T> {
        self.0.get(index).cloned()
    }
}

fn main() {}

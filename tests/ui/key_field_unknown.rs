// mistakes: 2
use cached_runtime::cache;

#[derive(Clone)]
pub struct Auth {
    pub tenant: String,
}

#[cache(key = "user:{auth.tennant}:{id}", backend = "local")]
pub async fn user(auth: &Auth, id: u64) -> u64 {
    id
}

impl Auth {
    #[cache(key = "profile:{self.tennant}:{id}", backend = "local")]
    pub async fn profile(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

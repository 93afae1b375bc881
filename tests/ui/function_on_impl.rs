use cached_runtime::cache;

struct Users;

#[cache(ttl = "1h")]
impl Users {
    async fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

use cached_runtime::cache;

struct Users;

impl Users {
    #[cache(key = "user:{id}")]
    async fn user(&self, id: u64) -> Option<String> {
        Some(id.to_string())
    }
}

fn main() {}

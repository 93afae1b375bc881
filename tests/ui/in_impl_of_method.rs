use cached_runtime::cache;

struct Users;

impl Users {
    #[cache(in_impl = false, skip(self))]
    async fn user(&self, id: u64) -> Option<String> {
        Some(id.to_string())
    }
}

fn main() {}

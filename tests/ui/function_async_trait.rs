use cached_runtime::cache;

#[async_trait::async_trait]
trait Find {
    async fn find(&self, id: u64) -> u64;
}

struct Users;

#[async_trait::async_trait]
impl Find for Users {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

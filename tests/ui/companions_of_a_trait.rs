// mistakes: 1, told in 8: the compiler refuses each companion by its name
use cached_runtime::cache;

trait Find {
    async fn find(&self, id: u64) -> u64;
}

struct Users;

impl Find for Users {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

// mistakes: 2
use cached_runtime::invalidate;

#[invalidate(self.users.user(..), self.users.user(output))]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {}

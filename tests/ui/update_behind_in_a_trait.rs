// mistakes: 1
use cached_runtime::{cache, update};

#[cache(strategy = "write_behind", backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

trait Save {
    fn save(&self, id: u64) -> impl Future<Output = ()> + Send;
}

#[derive(Clone)]
struct Users;

impl Save for Users {
    #[update(get_user(id) = id, strategy = "write_behind")]
    async fn save(&self, id: u64) {
        let _ = (self, id);
    }
}

fn main() {}

// mistakes: 5
use cached_runtime::update;

#[update(get_user(id) = id, queue = 100, retries = 3)]
async fn at_once(id: u64) {
    let _ = id;
}

#[update(get_user(id) = id, strategy = "write_behind", queue = 0, concurrency = 0, retries = "five")]
async fn numbers(id: u64) {
    let _ = id;
}

fn main() {}

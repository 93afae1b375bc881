// mistakes: 3
use cached_runtime::update;

#[update(1 + 2)]
async fn sum(id: u64) -> u64 {
    id
}

#[update(get_user(id) = )]
async fn no_value(id: u64) -> u64 {
    id
}

#[update(get_user(id) == id)]
async fn compared(id: u64) -> u64 {
    id
}

fn main() {}

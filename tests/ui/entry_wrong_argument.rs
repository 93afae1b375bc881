// mistakes: 3
use cached_runtime::cache;

#[cache]
async fn user(id: u64) -> u64 {
    id
}

fn main() {
    user_entry("1");
    user_entry(1_u32);
    user_entry();
}

use cached_runtime::cache;

#[cache]
#[cache]
async fn user(id: u64) -> u64 {
    id
}

fn main() {}

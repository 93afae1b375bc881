use cached_runtime::cache;

// What is being typed is the only mistake.
#[cache]
async fn user(id: u64) -> u64 {
    id.
}

fn main() {}

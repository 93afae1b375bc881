use cached_runtime::cache;

#[cache]
async fn user(id: u64, #[cfg(unix)] group: u64) -> u64 {
    id + group
}

fn main() {}

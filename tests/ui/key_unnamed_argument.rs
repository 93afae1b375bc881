use cached_runtime::cache;

#[cache]
async fn one(_: u64) -> Option<u64> {
    Some(1)
}

fn main() {}

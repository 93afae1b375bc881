use cached_runtime::cache;

#[cache]
async fn sum((a, b): (u64, u64)) -> Option<u64> {
    Some(a + b)
}

fn main() {}

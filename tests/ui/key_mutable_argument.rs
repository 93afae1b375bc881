use cached_runtime::cache;

#[cache]
async fn next(counter: &mut u64) -> Option<u64> {
    *counter += 1;
    Some(*counter)
}

fn main() {}

// mistakes: 1
use cached_runtime::{Cache, Error};

async fn number(numbers: &Cache<u64>, source: &str) -> Result<u64, Error> {
    let entry = numbers.entry(1);
    entry.get_or_reload(move || async move { source.len() as u64 }).await
}

fn main() {}

// mistakes: 2, told in 6: of the loader, of the method's future and of what that brings
use cached_runtime::{Cache, Error};

async fn load(id: u64) -> Result<u64, Error> {
    Ok(id)
}

async fn number(numbers: &Cache<u64>) -> Result<u64, Error> {
    numbers.entry(1).get_or_load(async { 1 }).await
}

async fn shared(numbers: &Cache<u64>) -> Result<u64, Error> {
    numbers.entry(1).get_or_load_with(|error| error.clone(), load(1)).await
}

fn main() {}

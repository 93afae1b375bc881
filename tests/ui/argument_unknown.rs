// mistakes: 2
use cached_runtime::cache;

#[cache(capasity = 10, zzz = 1)]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

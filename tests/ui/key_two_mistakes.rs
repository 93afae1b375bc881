// mistakes: 2
use cached_runtime::cache;

#[cache(key = "user:{id}{region}}")]
async fn user(region: &str, id: u64) -> Option<String> {
    Some(format!("{region}{id}"))
}

fn main() {}

use cached_runtime::cache;

#[cache(single_flight = "on")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(single_flight = "cluster")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

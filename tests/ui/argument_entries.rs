use cached_runtime::cache;

#[cache(entries(user(id) for id in ids))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

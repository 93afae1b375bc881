use cached_runtime::cache;

#[cache(share_error = |error| error.clone())]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

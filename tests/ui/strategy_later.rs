use cached_runtime::cache;

#[cache(strategy = "write_behind")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

use cached_runtime::cache;

#[cache(compress = "1kib")]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

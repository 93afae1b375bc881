use cached_runtime::cache;

#[cache(skip(self))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

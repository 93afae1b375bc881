use cached_runtime::cache;

#[cache]
async fn name(name: &str) -> &str {
    name
}

fn main() {}

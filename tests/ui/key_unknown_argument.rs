// mistakes: 2
use cached_runtime::cache;

#[cache(key = "user:{user_id}:{idd}", skip(id))]
async fn user(id: u64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}

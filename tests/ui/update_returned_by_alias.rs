use cached_runtime::{cache, update};

type Done = Result<(), String>;

#[cache(backend = "local")]
async fn get_user(id: u64) -> u64 {
    id
}

#[update(get_user(id))]
async fn save(id: u64) -> Done {
    let _ = id;
    Ok(())
}

fn main() {}

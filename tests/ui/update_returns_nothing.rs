// mistakes: 3
use cached_runtime::update;

#[update(get_user(id))]
async fn save(id: u64) {
    let _ = id;
}

#[update(get_user(id))]
async fn save_or_fail(id: u64) -> Result<(), String> {
    let _ = id;
    Ok(())
}

#[update(get_user(id))]
async fn never(id: u64) -> ! {
    let _ = id;
    std::future::pending().await
}

fn main() {}

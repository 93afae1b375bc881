// mistakes: 4
use cached_runtime::update;

#[update(get_user(id), batch = 100, every = "1s")]
async fn later(id: u64) -> Result<u64, ()> {
    Ok(id)
}

#[update(get_user = user)]
async fn no_key(id: u64) -> Result<u64, ()> {
    Ok(id)
}

#[update(get_user)]
async fn no_key_either(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

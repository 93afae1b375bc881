use cached_runtime::update;

#[update()]
async fn save(id: u64) -> Result<u64, ()> {
    Ok(id)
}

fn main() {}

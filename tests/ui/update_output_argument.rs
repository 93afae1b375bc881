use cached_runtime::update;

#[update(get_user(id) = output)]
async fn save(id: u64, output: u64) -> u64 {
    id + output
}

fn main() {}

use cached_runtime::update;

#[update(self.users.user(output))]
async fn save(id: u64) -> u64 {
    id
}

fn main() {}

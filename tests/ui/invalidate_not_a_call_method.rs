use cached_runtime::invalidate;

#[invalidate(self.user)]
async fn rename(id: u64) -> u64 {
    id
}

fn main() {}

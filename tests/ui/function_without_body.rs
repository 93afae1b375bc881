use cached_runtime::cache;

trait Find {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64;
}

fn main() {}

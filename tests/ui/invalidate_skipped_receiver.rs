use cached_runtime::{cache, invalidate};

struct Posts;

impl Posts {
    #[cache(skip(self))]
    async fn recent(&self, count: usize) -> usize {
        count
    }

    #[invalidate(self.recent(count))]
    async fn write(&self, count: usize) -> usize {
        count
    }
}

fn main() {}

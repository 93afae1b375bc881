use cached_runtime::cache;

struct Users(u64);

impl Users {
    #[cache(skip(self))]
    async fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn main() {}

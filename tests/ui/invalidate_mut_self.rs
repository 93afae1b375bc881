use cached_runtime::invalidate;

struct Users(u64);

impl Users {
    #[invalidate(self.user(output))]
    async fn rename(&mut self) -> u64 {
        self.0
    }
}

fn main() {}

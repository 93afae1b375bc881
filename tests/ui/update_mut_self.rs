// mistakes: 3
use cached_runtime::update;

struct Users(u64);

impl Users {
    #[update(self.user(output) = 1)]
    async fn by_output(&mut self) -> u64 {
        self.0
    }

    #[update(Self::user(1) = self.0 + output)]
    async fn value(&mut self) -> u64 {
        self.0
    }

    #[update(Self::user(1) = self.0 + output)]
    async fn taken(self) -> u64 {
        self.0
    }
}

fn main() {}

// mistakes: 1, told in 8: the `impl` is made by a macro, and the compiler refuses each companion by its name
use cached_runtime::cache;

trait Find {
    async fn find(&self, id: u64) -> u64;
}

struct Users;

macro_rules! found {
    ($($method:tt)*) => {
        impl Find for Users {
            $($method)*
        }
    };
}

found! {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

use cached_runtime::cache;

struct Repo<T>(Vec<T>);

impl<T: Clone + Send + Sync + 'static> Repo<T> {
    #[cache(skip(self))]
    async fn at(&self, index: usize) -> Option<T> {
        self.0.get(index).cloned()
    }
}

fn main() {}

//! Cached functions that call themselves and each other.

use cached_runtime::cache;

use crate::world::{Runs, world};

#[cache(skip(runs), backend = "local")]
async fn fibonacci(runs: &Runs, n: u64) -> u64 {
    runs.next();
    if n < 2 {
        return n;
    }
    fibonacci(runs, n - 1).await + fibonacci(runs, n - 2).await
}

#[cache(companions = false, skip(runs), backend = "local")]
async fn alone(runs: &Runs, n: u64) -> Option<u64> {
    runs.next();
    Some(if n < 2 {
        n
    } else {
        alone(runs, n - 1).await? + alone(runs, n - 2).await?
    })
}

#[cache(backend = "local")]
async fn is_even(n: u64) -> bool {
    if n == 0 { true } else { is_odd(n - 1).await }
}

#[cache(backend = "local")]
async fn is_odd(n: u64) -> bool {
    if n == 0 { false } else { is_even(n - 1).await }
}

struct Tree {
    children: Vec<Tree>,
    name: &'static str,
}

impl Tree {
    #[cache(key = "f10:{self.name}", backend = "local")]
    async fn size(&self) -> Result<u64, String> {
        let mut size = 1;
        for child in &self.children {
            size += child.size().await?;
        }
        Ok(size)
    }
}

#[tokio::test]
async fn each_step_is_computed_once() {
    world(async |_| {
        let runs = Runs::default();
        assert_eq!(fibonacci(&runs, 50).await, 12_586_269_025);
        assert_eq!(runs.count(), 51);
        let runs = Runs::default();
        assert_eq!(alone(&runs, 50).await, Some(12_586_269_025));
        assert_eq!(runs.count(), 51);
        assert!(is_even(40).await);
        assert_eq!(is_even_cache().stats().loads + is_odd_cache().stats().loads, 41);
        let leaf = |name| Tree {
            children: vec![],
            name,
        };
        let tree = Tree {
            children: vec![leaf("a"), leaf("b")],
            name: "root",
        };
        assert_eq!(tree.size().await, Ok(3));
        assert_eq!(tree.size_entry().get().await.unwrap(), Some(3));
    })
    .await;
}

#[tokio::test]
async fn futures_of_recursive_functions_can_be_spawned() {
    world(async |world| {
        let caches = world.caches.clone();
        let task = tokio::spawn(async move {
            let runs = Runs::default();
            caches.scope(fibonacci(&runs, 20)).await
        });
        assert_eq!(task.await.unwrap(), 6_765);
    })
    .await;
}

//! What stands beside a cached function.

use crate::{Runs, caches};
use cached_runtime::{Caches, cache};
use std::borrow::Cow;

/// Somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct User<'n> {
    id: u64,
    name: &'n str,
    pair: (u8, Option<char>),
}

static RUNS: Runs = Runs::new();

/// Every way in which arguments are taken.
#[cache(
    key = "u:{user.id}:{user.pair.1}:{name}:{names}:{cow}:{optional}:{owned}",
    skip(log)
)]
pub async fn everything(
    user: &User<'_>,
    name: &str,
    names: &[&str],
    cow: Cow<'_, str>,
    optional: Option<u64>,
    owned: String,
    log: &mut Vec<String>,
) -> Result<String, String> {
    RUNS.count();
    log.push(owned.clone());
    Ok(format!("{}{name}{names:?}{cow}{optional:?}{owned}", user.name))
}

#[tokio::test]
async fn an_entry_is_found_by_the_same_arguments() {
    caches()
        .scope(async {
            let mut log = Vec::new();
            let user = User {
                id: 1,
                name: "ann",
                pair: (1, Some(':')),
            };
            let value = everything(&user, "n", &["a", "b"], "c".into(), None, "o".into(), &mut log)
                .await
                .unwrap();
            assert_eq!(log, ["o"]);
            let entry = everything_entry(&user, "n", &["a", "b"], &Cow::Borrowed("c"), None, "o");
            assert_eq!(entry.key().to_string(), "u:1:%3A:n:(a,b,):c:%N:o");
            assert_eq!(entry.get().await.unwrap(), Some(value));
            entry.invalidate().await.unwrap();
            assert_eq!(entry.get().await.unwrap(), None);
            entry.insert("given".to_owned()).await.unwrap();
            let given = everything(&user, "n", &["a", "b"], "c".into(), None, "o".into(), &mut log).await;
            assert_eq!(given, Ok("given".to_owned()));
            assert_eq!(RUNS.get(), 1);
            let past = everything_uncached(&user, "n", &[], "c".into(), None, "o".into(), &mut log).await;
            assert_eq!(past, Ok("ann".to_owned() + "n[]cNoneo"));
            assert!(everything_cache().name().ends_with("companions::everything"));
        })
        .await;
}

/// Holds its caches.
pub struct Service {
    caches: Caches,
    runs: Runs,
}

impl Service {
    /// Uses them.
    #[cache(skip(self), caches = self.caches)]
    pub async fn find(&self, id: u64) -> Option<u64> {
        self.runs.count();
        Some(id)
    }

    /// Uses them without companions.
    #[cache(skip(self), caches = &self.caches, companions = false, name = "alone")]
    pub async fn alone(&self, id: u64) -> Option<u64> {
        self.runs.count();
        Some(id)
    }
}

#[tokio::test]
async fn caches_may_be_passed_by_hand() {
    let service = Service {
        caches: caches(),
        runs: Runs::new(),
    };
    for _ in 0..2 {
        assert_eq!(
            (service.find(1).await, service.alone(2).await),
            (Some(1), Some(2))
        );
    }
    assert_eq!(service.runs.get(), 2);
    assert_eq!(
        Service::find_entry(&service.caches, 1).get().await.unwrap(),
        Some(1)
    );
    assert_eq!(Service::find_entry(&caches(), 1).get().await.unwrap(), None);
    Service::find_cache(&service.caches).clear().await.unwrap();
    assert_eq!(service.find_at().await, None);
}

impl Service {
    async fn find_at(&self) -> Option<u64> {
        Self::find_entry(&self.caches, 1).get().await.unwrap()
    }
}

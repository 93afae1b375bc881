//! Shapes of functions: each is called twice and runs once per key.

use crate::{Runs, caches};
use cached_runtime::cache;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

static FREE: Runs = Runs::new();

/// A free function with borrowed arguments, one of them skipped.
#[cache(key = "free:{name}:{ids}:{times}", skip(_db), ttl = "1h")]
async fn free(_db: &Runs, name: &str, ids: &[u64], mut times: u64) -> Result<String, String> {
    FREE.count();
    times += 1;
    if name.is_empty() {
        return Err("no name".to_owned());
    }
    let first: u64 = name
        .parse::<u64>()
        .map_err(|error| error.to_string())
        .unwrap_or(times);
    Ok(format!("{name}{ids:?}{first}"))
}

#[tokio::test]
async fn a_free_function() {
    caches()
        .scope(async {
            let db = Runs::new();
            assert_eq!(free(&db, "a:b", &[1, 2], 7).await, Ok("a:b[1, 2]8".to_owned()));
            assert_eq!(free(&db, "a:b", &[1, 2], 7).await, Ok("a:b[1, 2]8".to_owned()));
            assert_eq!(FREE.get(), 1);
            assert_eq!(free(&db, "a", &[1, 2], 7).await, Ok("a[1, 2]8".to_owned()));
            assert_eq!(FREE.get(), 2);
            assert!(free(&db, "", &[], 0).await.is_err());
            assert!(free(&db, "", &[], 0).await.is_err());
            assert_eq!(FREE.get(), 4, "errors are not kept");
        })
        .await;
}

/// A service that holds what it needs.
#[derive(Clone, Default)]
pub struct Users {
    tenant: u64,
    runs: Arc<Runs>,
}

impl Users {
    /// A method that skips its receiver.
    #[cache(skip(self), backend = "local")]
    pub async fn find(&self, id: u64) -> Option<u64> {
        self.runs.count();
        Some(self.helper(id))
    }

    /// A method with a part of its receiver in the key.
    #[cache(key = "tenant:{self.tenant}:{id}")]
    pub async fn of_tenant(&self, id: u64) -> Option<u64> {
        self.runs.count();
        Some(self.tenant * 100 + id)
    }

    /// A receiver in an `Arc`.
    #[cache(key = "arc:{self.tenant}")]
    pub async fn shared(self: Arc<Self>) -> Option<u64> {
        self.runs.count();
        Some(self.tenant)
    }

    /// A receiver that is given away.
    #[cache(key = "value:{self.tenant}")]
    pub async fn given(mut self) -> Option<u64> {
        self.runs.count();
        self.tenant += 1;
        Some(self.tenant)
    }

    /// An associated function that the attribute has to be told of.
    #[cache(in_impl = true)]
    pub async fn associated(runs: u64) -> u64 {
        runs + 1
    }

    /// An associated function that speaks of `Self`.
    #[cache]
    pub async fn made(tenant: u64) -> u64 {
        let made = Self {
            tenant,
            ..Self::default()
        };
        made.helper(tenant)
    }

    fn helper(&self, id: u64) -> u64 {
        self.tenant + id
    }
}

#[tokio::test]
async fn methods() {
    caches()
        .scope(async {
            let users = Users {
                tenant: 1,
                ..Users::default()
            };
            let runs = Arc::clone(&users.runs);
            assert_eq!((users.find(1).await, users.find(1).await), (Some(2), Some(2)));
            assert_eq!(runs.get(), 1);
            assert_eq!(
                (users.of_tenant(1).await, users.of_tenant(1).await),
                (Some(101), Some(101))
            );
            assert_eq!(runs.get(), 2);
            let others = Users {
                tenant: 2,
                ..users.clone()
            };
            assert_eq!(others.find(1).await, Some(2), "skipped");
            assert_eq!(others.of_tenant(1).await, Some(201));
            assert_eq!(runs.get(), 3);
            let shared = Arc::new(users.clone());
            assert_eq!(
                (Arc::clone(&shared).shared().await, shared.shared().await),
                (Some(1), Some(1))
            );
            assert_eq!(runs.get(), 4);
            assert_eq!(
                (users.clone().given().await, users.given().await),
                (Some(2), Some(2))
            );
            assert_eq!(runs.get(), 5);
            assert_eq!((Users::associated(1).await, Users::made(4).await), (2, 8));
        })
        .await;
}

/// What a generic function counts.
pub trait Named {
    /// A name.
    const NAME: &'static str;
}

impl Named for u8 {
    const NAME: &'static str = "u8";
}

impl Named for u16 {
    const NAME: &'static str = "u16";
}

static GENERIC: Runs = Runs::new();

/// Instantiations do not share entries.
#[cache(key = "generic:{id}", skip(_log))]
pub async fn generic<'a, T, const N: usize>(_log: impl Display, id: &'a str) -> Result<Vec<String>, ()>
where
    T: Named,
    'a: 'a,
{
    GENERIC.count();
    Ok(vec![format!("{}{id}", T::NAME); N])
}

#[tokio::test]
async fn a_generic_function() {
    caches()
        .scope(async {
            for _ in 0..2 {
                assert_eq!(generic::<u8, 1>(1, "a").await, Ok(vec!["u8a".to_owned()]));
                assert_eq!(generic::<u16, 1>("", "a").await, Ok(vec!["u16a".to_owned()]));
                assert_eq!(generic::<u8, 2>(true, "a").await, Ok(vec!["u8a".to_owned(); 2]));
            }
            assert_eq!(GENERIC.get(), 3);
            let entry = generic_entry::<u8, 1>("a");
            assert_eq!(entry.get().await.unwrap(), Some(vec!["u8a".to_owned()]));
            generic_cache::<u8, 1>().clear().await.unwrap();
        })
        .await;
}

/// A repository of something.
pub struct Repo<T> {
    items: Vec<T>,
    runs: Runs,
}

impl<T> Repo<T>
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    /// The value's type is a parameter of the impl.
    #[cache(skip(self))]
    pub async fn at(&self, index: usize) -> Option<T> {
        self.runs.count();
        self.items.get(index).cloned()
    }

    /// Without companions the type is taken from the function itself.
    #[cache(skip(self), companions = false)]
    pub async fn all(&self) -> Vec<T> {
        self.runs.count();
        self.items.clone()
    }
}

#[tokio::test]
async fn a_generic_impl() {
    caches()
        .scope(async {
            let numbers = Repo {
                items: vec![1_u64, 2],
                runs: Runs::new(),
            };
            let names = Repo {
                items: vec!["a".to_owned()],
                runs: Runs::new(),
            };
            for _ in 0..2 {
                assert_eq!(numbers.at(0).await, Some(1));
                assert_eq!(names.at(0).await, Some("a".to_owned()));
                assert_eq!(numbers.all().await, [1, 2]);
                assert_eq!(names.all().await, ["a"]);
            }
            assert_eq!((numbers.runs.get(), names.runs.get()), (2, 2));
            assert_eq!(Repo::<u64>::at_entry(0).get().await.unwrap(), Some(1));
        })
        .await;
}

/// What can be looked for.
pub trait Find {
    /// By number.
    fn find(&self, id: u64) -> impl Future<Output = Result<String, String>> + Send;
    /// By name.
    fn named(&self, name: &str) -> impl Future<Output = Option<u64>> + Send;
}

/// Counts.
#[derive(Default)]
pub struct Finder(Runs);

impl Find for Finder {
    #[cache(skip(self), companions = false, ttl = |value| std::time::Duration::from_secs(value.len() as u64))]
    async fn find(&self, id: u64) -> Result<String, String> {
        self.0.count();
        let id: u64 = id.to_string().parse().map_err(|_| "no number")?;
        if id == 0 {
            return Err("zero".into());
        }
        Ok(id.to_string())
    }

    #[cache(skip(self), companions = false)]
    fn named(&self, name: &str) -> impl Future<Output = Option<u64>> + Send {
        let length = name.len();
        async move {
            self.0.count();
            (length > 0).then_some(length as u64)
        }
    }
}

/// The same, as objects.
#[async_trait::async_trait]
pub trait FindBoxed: Send + Sync {
    /// By number.
    async fn find_boxed(&self, id: u64, mut name: String) -> Result<String, String>;
}

#[async_trait::async_trait]
impl FindBoxed for Finder {
    #[cache(skip(self), companions = false)]
    async fn find_boxed(&self, id: u64, mut name: String) -> Result<String, String> {
        self.0.count();
        name.push('!');
        if id == 0 {
            return Err("zero".to_owned());
        }
        Ok(format!("{id}{name}"))
    }
}

#[tokio::test]
async fn methods_of_traits() {
    caches()
        .scope(async {
            let finder = Finder::default();
            for _ in 0..2 {
                assert_eq!(finder.find(7).await, Ok("7".to_owned()));
                assert_eq!(finder.named("abc").await, Some(3));
                assert_eq!(
                    (&finder as &dyn FindBoxed).find_boxed(1, "a".into()).await,
                    Ok("1a!".to_owned())
                );
            }
            assert_eq!(finder.0.get(), 3);
            assert!(finder.find(0).await.is_err());
            assert!(finder.find_boxed(0, String::new()).await.is_err());
        })
        .await;
}

static FUTURES: Runs = Runs::new();

/// A function that returns its future.
#[cache]
pub fn returned(name: &str) -> impl Future<Output = Result<usize, String>> + Send + use<'_> {
    FUTURES.count();
    async move {
        if name.is_empty() {
            Err("empty".to_owned())
        } else {
            Ok(name.len())
        }
    }
}

/// A function that returns its future in a box.
#[cache]
pub fn boxed<'a>(name: &'a str) -> Pin<Box<dyn Future<Output = Option<usize>> + Send + 'a>> {
    if name.is_empty() {
        return Box::pin(async { None });
    }
    Box::pin(async move {
        FUTURES.count();
        Some(name.len())
    })
}

/// The same, without companions.
#[cache(companions = false)]
pub fn boxed_alone<'a>(name: &'a str) -> Pin<Box<dyn Future<Output = Option<usize>> + Send + 'a>> {
    if name.is_empty() {
        return Box::pin(async { None });
    }
    Box::pin(async move {
        FUTURES.count();
        Some(name.len())
    })
}

#[tokio::test]
async fn functions_that_return_futures() {
    caches()
        .scope(async {
            for _ in 0..2 {
                assert_eq!(returned("abc").await, Ok(3));
                assert_eq!(boxed("abc").await, Some(3));
                assert_eq!(boxed_alone("abc").await, Some(3));
            }
            assert_eq!(FUTURES.get(), 3);
            assert_eq!(returned_entry("abc").get().await.unwrap(), Some(3));
        })
        .await;
}

static STEPS: Runs = Runs::new();

/// Calls itself.
#[cache]
pub async fn fibonacci(n: u64) -> u64 {
    STEPS.count();
    if n < 2 {
        n
    } else {
        fibonacci(n - 1).await + fibonacci(n - 2).await
    }
}

#[tokio::test]
async fn recursion() {
    caches()
        .scope(async {
            assert_eq!(fibonacci(80).await, 23_416_728_348_467_685);
            assert_eq!(STEPS.get(), 81);
        })
        .await;
}

#[tokio::test]
async fn futures_can_be_spawned() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    caches()
        .scope(async {
            let users = Users::default();
            is_send(users.find(1)).await;
            is_send(fibonacci_entry(3).get()).await.unwrap();
            drop(is_send(generic::<u8, 1>(1, "a")));
            drop(is_send(fibonacci(3)));
            is_send(Finder::default().find_boxed(1, String::new()))
                .await
                .unwrap();
        })
        .await;
}

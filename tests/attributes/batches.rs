//! Batches over the entries of other functions: every shape of ids, arguments and returned maps.

use crate::caches;
use cached_runtime::{Caches, cache};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

/// Which ids the body of a batch was called with.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<Vec<String>>>);

impl Log {
    fn add<T: ToString>(&self, ids: impl IntoIterator<Item = T>) {
        let ids = ids.into_iter().map(|id| id.to_string()).collect();
        self.0.lock().expect("no panic before").push(ids);
    }

    /// And forgets them.
    fn take(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().expect("no panic before"))
    }
}

/// One.
#[cache(ttl = "1h")]
pub async fn double(id: u64) -> u64 {
    id * 2
}

/// All of them.
#[cache(entries(double(id) for id in ids), skip(log))]
async fn doubles(log: &Log, ids: &[u64]) -> HashMap<u64, u64> {
    log.add(ids);
    ids.iter().map(|id| (*id, id * 2)).collect()
}

#[cache(entries(double(id) for id in ids), skip(log))]
async fn ordered(ids: Vec<u64>, log: Arc<Log>) -> Result<BTreeMap<u64, u64>, String> {
    log.add(&ids);
    Ok(ids.into_iter().map(|id| (id, id * 2)).collect())
}

#[cache(entries(double(*id) for id in ids), skip(log))]
async fn pairs(log: &Log, ids: &Vec<u64>) -> Vec<(u64, u64)> {
    log.add(ids);
    ids.iter().rev().map(|id| (*id, id * 2)).collect()
}

#[cache(entries(double(id) for id in ids), skip(log))]
async fn of_set(log: &Log, ids: &HashSet<u64>) -> HashMap<u64, u64> {
    log.add(ids);
    ids.iter().map(|id| (*id, id * 2)).collect()
}

#[cache(entries(double(id) for id in ids), skip(log))]
async fn of_tree(log: &mut Vec<usize>, ids: BTreeSet<u64>) -> HashMap<u64, u64> {
    log.push(ids.len());
    ids.iter().map(|id| (*id, id * 2)).collect()
}

#[cache(entries(double(id) for id in ids), companions = false)]
async fn of_deque(mut ids: VecDeque<u64>) -> HashMap<u64, u64> {
    ids.push_back(0);
    ids.iter().map(|id| (*id, id * 2)).collect()
}

#[tokio::test]
async fn every_list_of_ids_and_every_map() {
    let log = Arc::new(Log::default());
    caches()
        .scope(async {
            assert_eq!(double(1).await, 2);
            assert_eq!(
                doubles(&log, &[3, 1, 3, 2]).await,
                HashMap::from([(1, 2), (2, 4), (3, 6)])
            );
            assert_eq!(log.take(), [["3", "2"]]);
            let map = ordered(vec![5, 1, 4, 5], Arc::clone(&log)).await;
            assert_eq!(map, Ok(BTreeMap::from([(1, 2), (4, 8), (5, 10)])));
            assert_eq!(log.take(), [["5", "4"]]);
            // In the order of the ids.
            assert_eq!(pairs(&log, &vec![7, 1, 6, 7]).await, [(7, 14), (1, 2), (6, 12)]);
            assert_eq!(log.take(), [["7", "6"]]);
            assert_eq!(
                of_set(&log, &HashSet::from([1, 8])).await,
                HashMap::from([(1, 2), (8, 16)])
            );
            assert_eq!(log.take(), [["8"]]);
            let mut sizes = Vec::new();
            assert_eq!(
                of_tree(&mut sizes, BTreeSet::from([1, 9])).await,
                HashMap::from([(1, 2), (9, 18)])
            );
            assert_eq!(sizes, [1]);
            // What was not asked for is not returned.
            assert_eq!(of_deque(VecDeque::from([10])).await, HashMap::from([(10, 20)]));
            assert_eq!(double_cache().stats().loads, 10);
            assert_eq!(doubles(&log, &[]).await, HashMap::new());
            assert_eq!(doubles_uncached(&log, &[1]).await, HashMap::from([(1, 2)]));
            assert_eq!(log.take(), [["1"]]);
        })
        .await;
}

mod shop {
    use super::{HashMap, Log, cache};

    pub(super) struct Shop {
        pub(super) tenant: String,
        pub(super) log: Log,
    }

    impl Shop {
        #[cache(key = "price:{self.tenant}:{name}")]
        pub(super) async fn price(&self, name: &str) -> Option<usize> {
            Some(name.len())
        }

        #[cache(entries(self.price(name) for name in names))]
        pub(super) async fn prices(&self, names: &[&str]) -> HashMap<String, usize> {
            self.log.add(names);
            names
                .iter()
                .map(|name| ((*name).to_owned(), name.len()))
                .collect()
        }

        #[cache(entries(self.price(name) for name in names), companions = false)]
        pub(super) async fn borrowed<'a>(&self, names: &[&'a str]) -> HashMap<&'a str, usize> {
            self.log.add(names);
            names.iter().map(|name| (*name, name.len())).collect()
        }

        #[cache(key = "label:{org}:{id}", skip(self))]
        pub(super) async fn label(&self, org: String, id: u32) -> String {
            format!("{org}{id}")
        }

        #[cache(entries(Self::label(org, id) for id in ids), skip(self))]
        pub(super) async fn labels(&self, org: String, ids: &[u32]) -> HashMap<u32, String> {
            self.log.add(ids);
            ids.iter().map(|id| (*id, format!("{org}{id}"))).collect()
        }
    }

    #[cache(name = "names")]
    pub(super) async fn name(owner: &str, id: u64) -> Result<Option<String>, String> {
        Ok(Some(format!("{owner}{id}")))
    }
}

#[tokio::test]
async fn methods_and_arguments_that_all_ids_share() {
    let shop = shop::Shop {
        tenant: "a".to_owned(),
        log: Log::default(),
    };
    caches()
        .scope(async {
            assert_eq!(shop.price("tea").await, Some(3));
            let expected = HashMap::from([("tea".to_owned(), 3), ("milk".to_owned(), 4)]);
            assert_eq!(shop.prices(&["tea", "milk"]).await, expected);
            assert_eq!(shop.log.take(), [["milk"]]);
            assert_eq!(shop.borrowed(&["tea", "milk", "x"]).await.len(), 3);
            assert_eq!(shop.log.take(), [["x"]]);
            assert_eq!(shop.label("b".to_owned(), 1).await, "b1");
            let expected = HashMap::from([(1, "b1".to_owned()), (2, "b2".to_owned())]);
            assert_eq!(shop.labels("b".to_owned(), &[1, 2]).await, expected);
            assert_eq!(shop.log.take(), [["2"]]);
            // Of another organisation nothing is there.
            assert_eq!(shop.labels("c".to_owned(), &[1, 2]).await.len(), 2);
            assert_eq!(shop.log.take(), [["1", "2"]]);
        })
        .await;
}

type Names = Result<HashMap<(String, u64), String>, String>;

#[cache(entries(shop::name(&item.0, item.1) for item in items), skip(log))]
async fn names(log: &Log, items: &[(String, u64)]) -> Names {
    log.add(items.iter().map(|item| &item.0));
    if items.iter().any(|item| item.1 == 13) {
        return Err("thirteen".to_owned());
    }
    let named = items
        .iter()
        .map(|item| (item.clone(), format!("{}{}", item.0, item.1)));
    Ok(named.collect())
}

/// Of several ids one entry is made: the rest of what they are is for the map alone.
#[cache(entries(double(id.0) for id in ids))]
async fn tagged(ids: &[(u64, char)]) -> HashMap<(u64, char), u64> {
    ids.iter().map(|id| (*id, id.0 * 2)).collect()
}

#[tokio::test]
async fn parts_of_ids() {
    let log = Log::default();
    caches()
        .scope(async {
            let item = |id: u64| ("x".to_owned(), id);
            assert_eq!(names(&log, &[item(13)]).await, Err("thirteen".to_owned()));
            assert_eq!(shop::name("x", 1).await, Ok(Some("x1".to_owned())));
            let all = names(&log, &[item(1), item(2)]).await.expect("names");
            assert_eq!(all[&item(2)], "x2");
            assert_eq!(all.len(), 2);
            assert_eq!(shop::name_cache().stats().loads, 3);
            let map = tagged(&[(1, 'a'), (1, 'b'), (1, 'a')]).await;
            assert_eq!(map, HashMap::from([((1, 'a'), 2), ((1, 'b'), 2)]));
        })
        .await;
}

struct Told {
    caches: Caches,
}

impl Told {
    #[cache(key = "told:{id}", caches = self.caches, skip(self))]
    async fn one(&self, id: u64) -> u64 {
        id
    }

    #[cache(entries(Self::one(id) for id in ids), caches = self.caches, skip(self))]
    async fn all(&self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, *id)).collect()
    }

    #[cache(entries(Self::one(self.caches, id) for id in ids))]
    async fn passed(&self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, *id)).collect()
    }
}

#[tokio::test]
async fn a_function_that_is_told_its_caches() {
    let told = Told { caches: caches() };
    assert_eq!(told.all(&[1, 2]).await.len(), 2);
    assert_eq!(told.passed(&[1, 2, 3]).await.len(), 3);
    assert_eq!(told.one(3).await, 3);
    let stats = Told::one_cache(&told.caches).stats();
    assert_eq!((stats.loads, stats.hits), (3, 3));
}

/// Generic over the ids.
#[cache(key = "of:{id}")]
async fn of<T>(id: T) -> u64
where
    T: cached_runtime::KeyPart + Clone + Send + Sync + std::fmt::Display + 'static,
{
    id.to_string().len() as u64
}

#[cache(entries(of::<T>(id) for id in ids))]
async fn all_of<T>(ids: &[T]) -> HashMap<T, u64>
where
    T: cached_runtime::KeyPart + Clone + Send + Sync + std::fmt::Display + Eq + std::hash::Hash + 'static,
{
    ids.iter()
        .map(|id| (id.clone(), id.to_string().len() as u64))
        .collect()
}

#[tokio::test]
async fn generic_functions() {
    caches()
        .scope(async {
            assert_eq!(all_of(&["a".to_owned(), "bb".to_owned()]).await["bb"], 2);
            assert_eq!(all_of(&[100_u64]).await[&100], 3);
            assert_eq!(of(100_u64).await, 3);
            assert_eq!(of_cache::<u64>().stats().loads, 3);
        })
        .await;
}

trait Find {
    fn find(&self, ids: &[u64]) -> impl std::future::Future<Output = HashMap<u64, u64>> + Send;
}

#[async_trait::async_trait]
trait Seek {
    async fn seek(&self, ids: &[u64], owned: String) -> Result<HashMap<u64, u64>, String>;
}

struct Finder;

impl Find for Finder {
    #[cache(entries(double(id) for id in ids), skip(self), companions = false)]
    async fn find(&self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, id * 2)).collect()
    }
}

#[async_trait::async_trait]
impl Seek for Finder {
    #[cache(entries(double(id) for id in ids), skip(self, owned), companions = false)]
    async fn seek(&self, ids: &[u64], owned: String) -> Result<HashMap<u64, u64>, String> {
        if owned.is_empty() {
            return Err(owned);
        }
        Ok(ids.iter().map(|id| (*id, id * 2)).collect())
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn methods_of_traits() {
    caches()
        .scope(async {
            assert_eq!(
                is_send(Finder.find(&[1, 2])).await,
                HashMap::from([(1, 2), (2, 4)])
            );
            let found = is_send(Finder.seek(&[2, 3], "x".to_owned())).await;
            assert_eq!(found, Ok(HashMap::from([(2, 4), (3, 6)])));
            assert_eq!(Finder.seek(&[4], String::new()).await, Err(String::new()));
            assert_eq!(double_cache().stats().loads, 4);
        })
        .await;
}

/// Returns its future.
#[cache(entries(double(id) for id in ids))]
fn future(ids: &[u64]) -> impl std::future::Future<Output = HashMap<u64, u64>> + Send + '_ {
    let map = ids.iter().map(|id| (*id, id * 2)).collect();
    async move { map }
}

#[tokio::test]
async fn a_function_that_returns_its_future() {
    caches()
        .scope(async { assert_eq!(future(&[1]).await, HashMap::from([(1, 2)])) })
        .await;
}

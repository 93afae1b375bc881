//! What a cell stands on: a process with faults between it and its servers, neighbours without any, and looks into every
//! tier.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::testing::ManualClock;
use cached_runtime::{CacheStats, Caches, FailedWrite};
use cached_tests::{Fault, FaultProxy, free_port};

use super::servers::{Servers, process};
use super::source::Rows;
use super::{LIFE, Row};

/// Each cell has a namespace of its own in the servers.
static CELLS: AtomicU64 = AtomicU64::new(0);

/// What each tier has of one entry, memory first.
pub(crate) type Held = Vec<(&'static str, Option<u64>)>;

/// Looks into one store past all others: a process whose other stores keep nothing, and whose own memory is long out of
/// date whenever it looks.
struct Observer {
    store: &'static str,
    caches: Caches,
    clock: ManualClock,
}

pub(crate) struct Place<R> {
    pub(crate) rows: Arc<Rows>,
    pub(crate) caches: Caches,
    pub(crate) clock: ManualClock,
    /// The writes that have failed for good.
    told: Arc<Mutex<Vec<FailedWrite>>>,
    namespace: String,
    servers: Servers,
    /// What stands between the process and each store of the chain.
    proxies: Vec<(&'static str, FaultProxy)>,
    observers: Vec<Observer>,
    row: PhantomData<R>,
}

impl<R: Row> Place<R> {
    pub(crate) async fn new() -> Self {
        let namespace = format!("cell{}", CELLS.fetch_add(1, SeqCst));
        let servers = Servers::of(R::CHAIN).await;
        let (mut proxies, mut observers) = (Vec::new(), Vec::new());
        for &store in &R::CHAIN[1..] {
            let port = servers.port(store);
            proxies.push((store, FaultProxy::to(port).await));
            let clock = ManualClock::new();
            let observer = process(&namespace, &clock, |name| (name == store).then_some(port)).await;
            let caches = observer.build().unwrap();
            observers.push(Observer { store, caches, clock });
        }
        let proxy = |store: &str| {
            let proxy = proxies.iter().find(|(name, _)| *name == store);
            match proxy {
                Some((_, proxy)) => Some(proxy.port()),
                // Nobody is there, and who asks all the same is seen to fail.
                None if proxies.is_empty() => Some(free_port()),
                None => None,
            }
        };
        let clock = ManualClock::new();
        let told: Arc<Mutex<Vec<FailedWrite>>> = Arc::default();
        let telling = Arc::clone(&told);
        let caches = process(&namespace, &clock, proxy)
            .await
            .on_failed_write(move |failed| telling.lock().unwrap().push(failed.clone()))
            .build()
            .unwrap();
        Self {
            rows: Arc::default(),
            caches,
            clock,
            told,
            namespace,
            servers,
            proxies,
            observers,
            row: PhantomData,
        }
    }

    /// The stores of the chain, the fastest first.
    pub(crate) fn stores(&self) -> &'static [&'static str] {
        &R::CHAIN[1..]
    }

    /// Another process of the same program, which has nothing in memory and all servers within reach.
    pub(crate) async fn neighbour(&self) -> Caches {
        let port = |store: &str| {
            let store = self.stores().iter().find(|name| **name == store)?;
            Some(self.servers.port(store))
        };
        let neighbour = process(&self.namespace, &ManualClock::new(), port).await;
        neighbour.build().unwrap()
    }

    pub(crate) async fn read(&self, id: u64) -> Result<u64, String> {
        self.caches.scope(R::read(&self.rows, id)).await
    }

    /// What two are answered of whom the second comes while the source is busy with the first.
    pub(crate) async fn read_together(&self, id: u64) -> [Result<u64, String>; 2] {
        self.rows.shut();
        let open = async {
            self.rows.are_waiting(1).await;
            self.rows.open();
        };
        let (one, other, ()) = tokio::join!(self.read(id), self.read(id), open);
        [one, other]
    }

    /// What a neighbour is answered, once it has copied into upper tiers what it found below.
    pub(crate) async fn read_elsewhere(&self, id: u64) -> Result<u64, String> {
        let neighbour = self.neighbour().await;
        let answer = neighbour.scope(R::read(&self.rows, id)).await;
        neighbour.settle().await;
        answer
    }

    pub(crate) async fn write(&self, id: u64, value: u64) -> Result<(), String> {
        self.caches.scope(R::write(&self.rows, id, value)).await
    }

    /// The source has this, and every tier.
    pub(crate) async fn fill(&self, id: u64, value: u64) {
        self.rows.set(id, value);
        assert_eq!(self.read(id).await, Ok(value));
        self.caches.settle().await;
        assert_eq!(self.held(id).await, self.everywhere(Some(value)));
    }

    pub(crate) async fn held(&self, id: u64) -> Held {
        let mut held = vec![("local", self.in_memory(id).await)];
        held.extend(self.below(id).await);
        held
    }

    /// What the stores have.
    pub(crate) async fn below(&self, id: u64) -> Held {
        let mut held = Vec::new();
        for observer in &self.observers {
            observer.clock.advance(LIFE);
            let value = observer.caches.scope(R::look(id)).await.unwrap();
            held.push((observer.store, value));
        }
        held
    }

    async fn in_memory(&self, id: u64) -> Option<u64> {
        let looking = async {
            match R::left(id).await {
                Some(left) if left <= LIFE => R::look(id).await.unwrap(),
                _ => None,
            }
        };
        self.caches.scope(looking).await
    }

    /// Moves memory's clock past four fifths of an entry's life. That of the stores goes by itself, so they lose the entry:
    /// a load in the background that finds a younger one there leaves it at that.
    pub(crate) async fn age(&self, id: u64) {
        self.clock.advance(LIFE * 4 / 5);
        let key = self.caches.scope(async { R::key(id) }).await;
        for observer in &self.observers {
            observer.caches.invalidate_key(&key).await.unwrap();
        }
    }

    /// The same of every tier.
    pub(crate) fn everywhere(&self, value: Option<u64>) -> Held {
        R::CHAIN.iter().map(|tier| (*tier, value)).collect()
    }

    /// The same of every tier but this one, which has nothing.
    pub(crate) fn everywhere_but(&self, lost: Option<&str>, value: u64) -> Held {
        let mut held = self.everywhere(Some(value));
        for (_, value) in held.iter_mut().filter(|(tier, _)| Some(*tier) == lost) {
            *value = None;
        }
        held
    }

    /// One thing of memory and another of all stores.
    pub(crate) fn apart(&self, memory: Option<u64>, stores: Option<u64>) -> Held {
        let mut held = self.everywhere(stores);
        held[0].1 = memory;
        held
    }

    pub(crate) async fn stats(&self) -> CacheStats {
        self.caches.scope(async { R::stats() }).await
    }

    /// The writes that have failed for good: key, runs, why.
    pub(crate) fn told(&self) -> Vec<(String, u32, String)> {
        let told = self.told.lock().unwrap();
        let told = told
            .iter()
            .map(|failed| (failed.key.clone(), failed.runs, failed.error.clone()));
        told.collect()
    }

    fn proxy(&self, store: &str) -> &FaultProxy {
        let mut proxies = self.proxies.iter();
        &proxies.find(|(name, _)| *name == store).unwrap().1
    }

    /// From now on this process cannot reach the store.
    pub(crate) fn cut(&self, store: &str) {
        self.proxy(store).set(Fault::Cut);
    }

    /// It can again, and has delivered what it owed.
    pub(crate) async fn mend(&self, store: &str) {
        self.proxy(store).set(Fault::None);
        let settled = tokio::time::timeout(Duration::from_secs(8), self.caches.settle()).await;
        settled.expect("a store that is back is not found");
        for store in self.caches.stats().stores {
            assert!(!store.down && !store.pending_removals, "{store:?}");
        }
    }
}

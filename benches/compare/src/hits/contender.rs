//! A cache that is full of what it will be asked for, and the loop that asks.
//!
//! Asynchronous ones are asked as a service asks: in a task of a tokio runtime, each call awaited where it is made.
//! Synchronous ones are called in such a task too, so that the only difference is the call. Each thread has a runtime of
//! its own, since workers of one runtime may take each other's tasks, and then two threads would be one.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

use super::pace;
use crate::keys::Key;

/// What one thread asks for: `keys`, over and over, `calls` times in all.
#[derive(Clone)]
pub struct Order<K> {
    pub keys: Arc<[K]>,
    pub calls: usize,
}

/// What one thread took for its order.
pub struct Pass {
    pub taken: Duration,
    /// The slower of the walks before and after.
    pub walk: Duration,
}

/// Dyn-compatible, so that caches of every type stand in one list; the loops inside are compiled for each.
pub trait Contender<K: Key>: Sync {
    fn name(&self) -> &str;

    /// Asks for each key once.
    fn fill(&self, runtime: &Handle, keys: &[K]);

    /// One thread for each order, all started together.
    fn pass(&self, orders: &[Order<K>]) -> Vec<Pass>;

    /// Allocations per thousand calls, on this thread; `None` if a call that should hit waits for something.
    fn allocations(&self, runtime: &Handle, keys: &[K]) -> Option<u64>;
}

/// Runs `work` for each order, in a task on a thread of its own. It first asks for what the walk, and the caches that were
/// asked in between, have pushed out of the processor's caches, then waits for the others, then measures.
fn together<K: Key, W, A>(orders: &[Order<K>], work: W) -> Vec<Pass>
where
    W: Fn(Order<K>, Arc<Barrier>) -> A + Copy + Send + 'static,
    A: Future<Output = Duration> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(orders.len()));
    let start = |order: &Order<K>| {
        let (order, barrier) = (order.clone(), Arc::clone(&barrier));
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let before = pace::walk();
            let taken = runtime
                .block_on(async move { tokio::spawn(work(order, barrier)).await.expect("no call panics") });
            Pass {
                taken,
                walk: before.max(pace::walk()),
            }
        })
    };
    let threads: Vec<_> = orders.iter().map(start).collect();
    threads
        .into_iter()
        .map(|thread| thread.join().expect("no call panics"))
        .collect()
}

pub struct Awaited<F> {
    pub name: String,
    pub call: F,
}

impl<K, F, A> Contender<K> for Awaited<F>
where
    K: Key,
    F: Fn(K) -> A + Copy + Send + Sync + 'static,
    A: Future + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn fill(&self, runtime: &Handle, keys: &[K]) {
        runtime.block_on(async {
            for &key in keys {
                black_box((self.call)(key).await);
            }
        });
    }

    fn pass(&self, orders: &[Order<K>]) -> Vec<Pass> {
        let call = self.call;
        together(orders, move |order, barrier| async move {
            for &key in order.keys.iter().take(order.calls) {
                black_box(call(key).await);
            }
            barrier.wait();
            let begun = Instant::now();
            let mut left = order.calls;
            while left > 0 {
                for &key in order.keys.iter().take(left) {
                    black_box(call(black_box(key)).await);
                }
                left = left.saturating_sub(order.keys.len());
            }
            begun.elapsed()
        })
    }

    fn allocations(&self, runtime: &Handle, keys: &[K]) -> Option<u64> {
        let _inside = runtime.enter();
        let mut waited = false;
        let counted = allocation_counter::measure(|| {
            for &key in keys.iter().take(1_000) {
                match pin!((self.call)(key)).poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(value) => drop(black_box(value)),
                    Poll::Pending => waited = true,
                }
            }
        });
        (!waited).then_some(counted.count_total)
    }
}

pub struct Called<F> {
    pub name: String,
    pub call: F,
}

impl<K, F, V> Contender<K> for Called<F>
where
    K: Key,
    F: Fn(K) -> V + Copy + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn fill(&self, runtime: &Handle, keys: &[K]) {
        let _inside = runtime.enter();
        for &key in keys {
            black_box((self.call)(key));
        }
    }

    fn pass(&self, orders: &[Order<K>]) -> Vec<Pass> {
        let call = self.call;
        together(orders, move |order, barrier| async move {
            for &key in order.keys.iter().take(order.calls) {
                black_box(call(key));
            }
            barrier.wait();
            let begun = Instant::now();
            let mut left = order.calls;
            while left > 0 {
                for &key in order.keys.iter().take(left) {
                    black_box(call(black_box(key)));
                }
                left = left.saturating_sub(order.keys.len());
            }
            begun.elapsed()
        })
    }

    fn allocations(&self, runtime: &Handle, keys: &[K]) -> Option<u64> {
        let _inside = runtime.enter();
        let counted = allocation_counter::measure(|| {
            for &key in keys.iter().take(1_000) {
                drop(black_box((self.call)(key)));
            }
        });
        Some(counted.count_total)
    }
}

/// The contenders of one table.
pub type List<K> = Vec<Box<dyn Contender<K>>>;

pub fn awaited<K, F, A>(list: &mut List<K>, name: &str, call: F)
where
    K: Key,
    F: Fn(K) -> A + Copy + Send + Sync + 'static,
    A: Future + Send,
{
    list.push(Box::new(Awaited {
        name: name.to_owned(),
        call,
    }));
}

pub fn called<K, F, V>(list: &mut List<K>, name: &str, call: F)
where
    K: Key,
    F: Fn(K) -> V + Copy + Send + Sync + 'static,
    V: 'static,
{
    list.push(Box::new(Called {
        name: name.to_owned(),
        call,
    }));
}

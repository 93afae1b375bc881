//! Many callers at once, and a source that watches its own runs.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::Caches;
use tokio::task::JoinHandle;

pub(crate) const CALLERS: usize = 10_000;

/// How long a body takes.
pub(crate) const BODY: Duration = Duration::from_millis(50);

/// The most that run for themselves at once.
pub(crate) const AT_ONCE: usize = 32;

/// Nothing registered: these functions live in memory.
pub(crate) fn caches() -> Caches {
    Caches::builder().build().unwrap()
}

/// Counts the runs of a body.
#[derive(Default)]
pub(crate) struct Source {
    begun: AtomicUsize,
    completed: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
    who: Mutex<Vec<usize>>,
}

impl Source {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(SeqCst)
    }

    pub(crate) fn completed(&self) -> usize {
        self.completed.load(SeqCst)
    }

    /// The most runs there were at one moment.
    pub(crate) fn most(&self) -> usize {
        self.most.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    /// Which callers ran the body, in order.
    pub(crate) fn who(&self) -> Vec<usize> {
        self.who.lock().unwrap().clone()
    }

    /// A run of `work` for `caller`, told how many runs have begun with it.
    pub(crate) async fn run<F: Future>(&self, caller: usize, work: impl FnOnce(usize) -> F) -> F::Output {
        let run = self.begun.fetch_add(1, SeqCst) + 1;
        self.who.lock().unwrap().push(caller);
        let now = self.running.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        let _running = Running(self);
        let done = work(run).await;
        self.completed.fetch_add(1, SeqCst);
        done
    }
}

struct Running<'a>(&'a Source);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

/// So many tasks that each make one call, under `caches`.
pub(crate) fn crowd<F>(
    caches: &Caches,
    callers: usize,
    mut call: impl FnMut(usize) -> F,
) -> Vec<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    (0..callers)
        .map(|caller| {
            let (caches, call) = (caches.clone(), call(caller));
            tokio::spawn(async move { caches.scope(call).await })
        })
        .collect()
}

/// What became of each caller.
pub(crate) struct Ends<T> {
    pub(crate) answers: Vec<T>,
    pub(crate) panicked: Vec<usize>,
    pub(crate) aborted: Vec<usize>,
}

/// Waits for all of them, but not for ever.
pub(crate) async fn ends<T>(calls: Vec<JoinHandle<T>>) -> Ends<T> {
    let mut ends = Ends {
        answers: Vec::new(),
        panicked: Vec::new(),
        aborted: Vec::new(),
    };
    let all = async {
        for (caller, call) in calls.into_iter().enumerate() {
            match call.await {
                Ok(answer) => ends.answers.push(answer),
                Err(end) if end.is_panic() => ends.panicked.push(caller),
                Err(_) => ends.aborted.push(caller),
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), all).await;
    assert!(
        in_time.is_ok(),
        "after 20 s {} have an answer, {} a panic, {} were aborted",
        ends.answers.len(),
        ends.panicked.len(),
        ends.aborted.len()
    );
    ends
}

/// A panic whose message nobody wants to read ten thousand times.
pub(crate) fn fall_over() -> ! {
    std::panic::resume_unwind(Box::new("as the test wants it"))
}

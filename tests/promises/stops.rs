//! Places where a test can make whoever comes by wait.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) struct Stops<S>(Mutex<HashMap<S, Stop>>);

struct Stop {
    arrived: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

/// The next one that comes by a place, held there.
pub(crate) struct Held {
    arrived: Option<oneshot::Receiver<()>>,
    go: oneshot::Sender<()>,
}

impl<S> Default for Stops<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Eq + Hash> Stops<S> {
    /// Holds the next one that comes by `place`.
    pub(crate) fn hold(&self, place: S) -> Held {
        let (arrived, arrival) = oneshot::channel();
        let (go, gone) = oneshot::channel();
        self.0.lock().unwrap().insert(place, Stop { arrived, go: gone });
        Held {
            arrived: Some(arrival),
            go,
        }
    }

    pub(crate) async fn pass(&self, place: S) {
        let stop = self.0.lock().unwrap().remove(&place);
        if let Some(stop) = stop {
            let _ = stop.arrived.send(());
            // Dropped with its test, if not released.
            let _ = stop.go.await;
        }
    }
}

/// Fails if `work` waits for something that does not come.
pub(crate) async fn soon<F: Future>(work: F) -> F::Output {
    let in_time = tokio::time::timeout(Duration::from_secs(20), work).await;
    in_time.expect("it waits for what it must not wait for")
}

impl Held {
    /// Returns once somebody is held.
    pub(crate) async fn arrived(&mut self) {
        if let Some(arrived) = self.arrived.take() {
            soon(arrived).await.unwrap();
        }
    }

    pub(crate) fn release(self) {
        let _ = self.go.send(());
    }
}

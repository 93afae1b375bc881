//! Places where a test can make whoever comes by wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

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

impl Held {
    /// Returns once somebody is held.
    pub(crate) async fn arrived(&mut self) {
        if let Some(arrived) = self.arrived.take() {
            arrived.await.unwrap();
        }
    }

    pub(crate) fn release(self) {
        let _ = self.go.send(());
    }
}

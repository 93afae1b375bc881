//! A server of a cluster.
//!
//! Called by the cluster and by what travels through it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use redis::{Client, ErrorKind, RedisError, ServerErrorKind, cmd};
use tokio::time::timeout;

use super::map::Address;
use crate::stores::redis::Inner;
use crate::stores::redis::carrier::Carrier;
use crate::stores::redis::link::Link;
use crate::stores::redis::place::Place;

/// How long a server is waited for: less than the tier above waits for the store, which would take the silence of one server
/// for that of all.
const PATIENCE: Duration = Duration::from_millis(400);
/// The same for one that has not answered lately: enough for one that is back.
pub(super) const GLANCE: Duration = Duration::from_millis(25);
/// How long one that has not answered lately is waited for by nobody's call.
const PROBE: Duration = Duration::from_secs(2);
/// A server of the cluster.
pub(super) struct Node {
    pub(super) address: Address,
    /// The store of this server alone.
    pub(super) server: Arc<Inner>,
    /// Its last answer did not come, or was that it cannot serve.
    failing: AtomicBool,
    probed: AtomicBool,
}

impl Node {
    /// The server at `address`, which `client` reaches.
    pub(super) fn new(address: Address, client: Client) -> Self {
        let name = format!("redis-cluster node {}:{}", address.host, address.port);
        let carrier = Carrier::Server(Link::new(Place::At(client)));
        Self {
            address,
            server: Arc::new(Inner::new(carrier, name).of_a_cluster()),
            failing: AtomicBool::new(false),
            probed: AtomicBool::new(false),
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Relaxed)
    }

    /// Notes whether it serves.
    pub(super) fn serves(&self, serves: bool) {
        // Seldom anything new, in a place that all cores read.
        if self.is_failing() == serves {
            self.failing.store(!serves, Relaxed);
        }
    }

    /// What comes of a call to this server, in good time.
    pub(super) async fn answer<T>(&self, call: impl Future<Output = T>) -> Result<T, RedisError> {
        let patience = if self.is_failing() { GLANCE } else { PATIENCE };
        let silent = |_| io::Error::new(io::ErrorKind::TimedOut, "a server of the cluster does not answer");
        timeout(patience, call).await.map_err(|late| silent(late).into())
    }

    /// Sees whether it answers again, if it did not lately, however long a connection takes.
    pub(super) fn probe(self: &Arc<Self>) {
        if !self.is_failing() || self.probed.swap(true, Relaxed) {
            return;
        }
        let probe = Probe(Arc::clone(self));
        tokio::spawn(async move {
            let node = &probe.0;
            let Some(link) = node.link() else { return };
            let ping = cmd("PING");
            if let Ok(Ok(_)) = timeout(PROBE, link.run(&ping)).await {
                node.serves(true);
            }
        });
    }

    pub(super) fn link(&self) -> Option<&Link> {
        match &self.server.carrier {
            Carrier::Server(link) => Some(link),
            Carrier::Cluster(_) => None,
        }
    }
}

/// However a probe ends, by its runtime's end too, another may start.
struct Probe(Arc<Node>);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.probed.store(false, Relaxed);
    }
}

/// Whether an error says that the server does not serve at the moment.
pub(super) fn cannot_serve(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    error.is_io_error()
        || matches!(
            error.kind(),
            ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly)
        )
}

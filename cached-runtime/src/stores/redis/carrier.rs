//! What takes commands to where their keys are: one server, or several.
//!
//! Called by the verbs of the store, which are the same on both as far as this can make them so.

use std::sync::Arc;

use redis::{Cmd, RedisResult, Value};

use super::cluster::{Cluster, slots};
use super::leases;
use super::link::Link;

pub(super) enum Carrier {
    Server(Link),
    Cluster(Arc<Cluster>),
}

impl Carrier {
    /// Makes sure that there is a connection, or says why there is none.
    pub(super) async fn establish(&self) -> RedisResult<()> {
        match self {
            Self::Server(link) => link.establish().await,
            Self::Cluster(cluster) => cluster.establish().await,
        }
    }

    /// Notes what is about to be removed or replaced, where it may have to be removed again.
    pub(super) fn note<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        match self {
            Self::Server(link) => link.note(keys),
            Self::Cluster(cluster) => cluster.note(keys),
        }
    }

    /// Sends one command to where `key` is.
    pub(super) async fn run(&self, key: &str, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Server(link) => link.run(command).await,
            Self::Cluster(cluster) => cluster.run(slots::slot_of(key), command).await,
        }
    }

    /// What the lease of `key` is called.
    pub(super) fn lease_of(&self, key: &str) -> String {
        match self {
            Self::Server(_) => leases::lease_of(key),
            Self::Cluster(_) => slots::lease_of(key),
        }
    }

    /// Lets all connections go for good.
    pub(super) fn close(&self) {
        match self {
            Self::Server(link) => link.close(),
            Self::Cluster(cluster) => cluster.close(),
        }
    }
}

//! What the store is to the tiers above.

use std::time::Duration;

use redis::cmd;
use tokio::time::timeout_at;

use super::batch::Get;
use super::carrier::Carrier;
use super::cluster::{self, verbs};
use super::{Redis, sweep};
use crate::store::{Filling, TimeBudget};
use crate::{BoxFuture, Error, Filled, Lookup, Store, Token};

impl Store for Redis {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(self.inner.get(key, true))
    }

    fn get_bytes<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(self.inner.get(key, false))
    }

    fn get_within<'a>(
        &'a self,
        key: &'a str,
        life: bool,
        budget: TimeBudget,
    ) -> BoxFuture<'a, Option<Result<Lookup, Error>>> {
        match &self.inner.carrier {
            Carrier::Server(_) => Box::pin(Get::new(&self.inner, key, life, Some(budget))),
            Carrier::Cluster(_) => {
                Box::pin(async move { timeout_at(budget.end(), self.inner.get(key, life)).await.ok() })
            }
        }
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(self.inner.reserve(key))
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(self.inner.fill(key, bytes, ttl, token))
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Vec<Result<Lookup, Error>>> {
        Box::pin(self.inner.get_many(keys))
    }

    fn fill_many<'a>(&'a self, fills: &'a [Filling<'a>]) -> BoxFuture<'a, Vec<Result<Filled, Error>>> {
        Box::pin(self.inner.fill_many(fills))
    }

    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.inner.touch(key, ttl))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.inner.put(key, bytes, ttl))
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.inner.remove(keys))
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.inner.told(match &self.inner.carrier {
                Carrier::Server(link) => sweep::remove_matching(link, pattern, wanted).await,
                Carrier::Cluster(cluster) => cluster::remove_matching(cluster, pattern, wanted).await,
            })
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(self.inner.remaining(key))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.inner.told(match &self.inner.carrier {
                Carrier::Server(link) => link.run(&cmd("PING")).await.map(|_| link.forget_owing()),
                Carrier::Cluster(cluster) => verbs::ping(cluster).await,
            })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.carrier.close();
        Box::pin(std::future::ready(()))
    }

    fn describe(&self) -> String {
        self.inner.name.clone()
    }
}

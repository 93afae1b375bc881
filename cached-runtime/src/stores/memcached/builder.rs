//! Makes a store of what the user wrote: servers, their weights, how long to wait for one.

use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
use super::link::{Fault, Link};
use super::ring::Ring;
use super::{Inner, Memcached};
use crate::together::all;
use crate::{BoxFuture, Error, ErrorKind};

/// How long a server may owe an answer unless said otherwise: half of the time budget of a `Caches`.
const PATIENCE: Duration = Duration::from_millis(250);

/// Settings that do not fit an address. Made by [`Memcached::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct MemcachedBuilder {
    servers: Vec<(String, u32)>,
    patience: Duration,
}

impl MemcachedBuilder {
    pub(super) fn new<A: AsRef<str>>(servers: impl IntoIterator<Item = A>) -> Self {
        let servers = servers.into_iter().map(|server| (server.as_ref().to_owned(), 1));
        Self {
            servers: servers.collect(),
            patience: PATIENCE,
        }
    }

    /// One more server, which keeps `weight` times the keys of one that was named without. Default: none.
    pub fn weighted(mut self, server: impl AsRef<str>, weight: u32) -> Self {
        self.servers.push((server.as_ref().to_owned(), weight));
        self
    }

    /// How long a server may owe an answer without a byte passing before its connection is given up. To be less than
    /// the time budget of the `Caches`: else one silent server of several is taken for all of them. Default: 250 ms.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects as [`Memcached::connect`] does, with the same errors.
    pub async fn connect(self) -> Result<Memcached, Error> {
        let memcached = self.connect_lazily()?;
        let inner = &memcached.inner;
        let dials = inner
            .links
            .iter()
            .map(|link| -> BoxFuture<'_, _> { Box::pin(link.wire()) });
        for (dialled, link) in all(dials.collect()).await.into_iter().zip(&inner.links) {
            match dialled {
                Ok(_) => {}
                Err(Fault::Unfit(why)) => {
                    let what = format!("memcached at {} is not fit to serve: {why}", link.address());
                    return Err(Error::new(ErrorKind::Configuration, what));
                }
                Err(fault) => {
                    tracing::warn!(server = %link.address(), ?fault, "memcached cannot be reached yet");
                }
            }
        }
        Ok(memcached)
    }

    /// Connects as [`Memcached::connect_lazily`] does, with the same errors.
    pub fn connect_lazily(self) -> Result<Memcached, Error> {
        let refuse = |what: String| Err(Error::new(ErrorKind::Configuration, what));
        let mut servers: Vec<(Address, u32)> = Vec::new();
        for (text, weight) in &self.servers {
            let address = Address::parse(text)?;
            if servers.iter().any(|(other, _)| *other == address) {
                return refuse(format!("the memcached server {address} is named twice"));
            }
            servers.push((address, *weight));
        }
        if servers.is_empty() {
            return refuse("no memcached server is named".to_owned());
        }
        let named: Vec<_> = servers
            .iter()
            .map(|(address, weight)| (address.on_the_ring(), *weight))
            .collect();
        let ring = Ring::new(&named);
        if let Some(place) = (0..servers.len()).find(|place| !ring.has(*place)) {
            let (address, weight) = &servers[place];
            return refuse(format!(
                "the memcached server {address} would keep no key: its weight, {weight}, is too small beside the others'"
            ));
        }
        let names: Vec<String> = servers.iter().map(|(address, _)| address.to_string()).collect();
        let links = servers
            .into_iter()
            .map(|(address, _)| Link::new(address, self.patience));
        let inner = Inner {
            ring,
            links: links.collect(),
            name: format!("memcached://{}", names.join(",")),
        };
        Ok(Memcached {
            inner: Arc::new(inner),
        })
    }
}

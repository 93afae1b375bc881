//! Setting a store up: what does not fit a URL, the first connection, and what a server has against it.
//!
//! Called once per store.

use std::fmt;
use std::sync::Arc;

use redis::{RedisError, ServerErrorKind};

use super::address::Certificates;
use super::carrier::Carrier;
use super::cluster::Cluster;
use super::link::Link;
use super::servers::Servers;
use super::{Inner, Redis};
use crate::{Error, ErrorKind};

/// Settings that do not fit a URL. Made by [`Redis::builder`].
pub struct RedisBuilder {
    url: String,
    certificates: Certificates,
}

impl RedisBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            certificates: Certificates::default(),
        }
    }

    /// Trusts the authorities in this PEM text and no others. Default: the public ones, as Mozilla lists them.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.root = Some(pem.into());
        self
    }

    /// Shows this certificate chain to a server that asks for one; both PEM. Default: none.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificates.client = Some((chain.into(), key.into()));
        self
    }

    /// Connects as [`Redis::connect`] does, with the same errors.
    pub async fn connect(self) -> Result<Redis, Error> {
        let redis = self.connect_lazily()?;
        let inner = &redis.inner;
        if let Err(cause) = inner.carrier.establish().await {
            if let Some(what) = refusal(&cause) {
                let message = format!("{} {what}", inner.name);
                return Err(Error::new(ErrorKind::Configuration, message).with_cause(cause));
            }
            tracing::warn!(store = inner.name, error = %cause, "Redis cannot be reached yet");
        }
        Ok(redis)
    }

    /// Connects as [`Redis::connect_lazily`] does, with the same errors.
    pub fn connect_lazily(self) -> Result<Redis, Error> {
        let inner = match Servers::parse(&self.url, &self.certificates)? {
            Servers::One { place, name } => Inner::new(Carrier::Server(Link::new(*place)), name),
            Servers::Cluster { seeds, name } => Inner::new(Carrier::Cluster(Cluster::new(seeds)), name),
        };
        Ok(Redis {
            inner: Arc::new(inner),
        })
    }
}

/// What a server that answered the greeting, but with no, has against its URL.
pub(super) fn refusal(error: &RedisError) -> Option<&'static str> {
    use redis::ErrorKind::{AuthenticationFailed, InvalidClientConfig, MasterNameNotFoundBySentinel, Server};
    let credentials = "refuses the credentials or the database of its URL";
    match error.kind() {
        MasterNameNotFoundBySentinel => Some("names a master that the sentinels do not know"),
        AuthenticationFailed | InvalidClientConfig | Server(ServerErrorKind::NoPerm) => Some(credentials),
        // The ways in which a refused `SELECT` and servers of another kind come back; other such answers, as to too many
        // clients, carry another text.
        Server(ServerErrorKind::ResponseError) => {
            let text = error.to_string();
            if text.contains("switch database") {
                Some(credentials)
            } else if text.contains("cluster support disabled") {
                Some("names a server that is not one of a cluster")
            } else if text.contains("unknown command") && text.contains("SENTINEL") {
                Some("names a server that is not a sentinel")
            } else {
                None
            }
        }
        _ => matches!(error.code(), Some("WRONGPASS" | "NOAUTH")).then_some(credentials),
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisBuilder").finish_non_exhaustive()
    }
}

//! The Redis store.
//!
//! `address` reads the URL, `dial` makes a connection and `link` keeps it; beside it a `lane` carries look-ups, and
//! `reply` reads their answers. `leases` holds the scripts that make tokens true, `batch` sends look-ups together,
//! as `look` says, `sweep` removes by pattern. This file says which command answers which verb of [`Store`].

mod address;
mod batch;
mod dial;
mod lane;
mod leases;
mod link;
mod look;
mod reply;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value, cmd};

use self::address::{Address, Certificates};
use self::batch::Queue;
use self::leases::{LEASE, Scripts, fresh, lease_of, milliseconds};
use self::link::{CLOSED, Link};
use self::look::Luck;
use crate::{BoxFuture, Error, ErrorKind, Filled, Found, Lookup, Store, Token};

/// Keys named by one `UNLINK`, each with its lease.
const BATCH: usize = 500;

/// A Redis (or Valkey) server, 5.0 or later, as a [`Store`] with every guarantee.
///
/// Cheap to clone; the clones share one multiplexed connection, and without TLS up to two more that only look up. They
/// are established again by themselves whenever they are lost. While the server is down every call fails at once with [`ErrorKind::Unavailable`].
///
/// Beside each value that was missed stands a short-lived lease, `{key}:lease`: users restricted by key patterns need
/// both `~shop:*` and `~{shop:*`. A load that takes longer than a minute loses its lease and is not stored.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    scripts: Scripts,
    queue: Queue,
    luck: Luck,
    name: String,
}

/// Settings that do not fit a URL. Made by [`Redis::builder`].
pub struct RedisBuilder {
    url: String,
    certificates: Certificates,
}

impl Redis {
    /// The server at `url`: `redis://[user:password@]host[:port][/db]`, `rediss://...` for TLS (feature `tls`) or
    /// `unix:///path/redis.sock[?db=0&user=..&pass=..]`.
    ///
    /// Waits for the first connection, for at most a second. A server that cannot be reached is no error, since it
    /// may come back; a URL that cannot be used, or whose credentials or database the server refuses, is one of kind
    /// [`ErrorKind::Configuration`]. Must be called inside a tokio runtime.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// The same without waiting: the connection is made by the first call. Only a URL that cannot be used is an error.
    pub fn connect_lazily(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect_lazily()
    }

    /// The same with certificates of one's own.
    pub fn builder(url: impl AsRef<str>) -> RedisBuilder {
        RedisBuilder {
            url: url.as_ref().to_owned(),
            certificates: Certificates::default(),
        }
    }
}

impl RedisBuilder {
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
        if let Err(cause) = inner.link.establish().await {
            if is_refusal(&cause) {
                let message = format!(
                    "{} refuses the credentials or the database of its URL",
                    inner.name
                );
                return Err(Error::new(ErrorKind::Configuration, message).with_cause(cause));
            }
            tracing::warn!(store = inner.name, error = %cause, "Redis cannot be reached yet");
        }
        Ok(redis)
    }

    /// Connects as [`Redis::connect_lazily`] does, with the same errors.
    pub fn connect_lazily(self) -> Result<Redis, Error> {
        let Address { client, name } = Address::parse(&self.url, &self.certificates)?;
        let inner = Inner {
            link: Link::new(client),
            scripts: Scripts::new(),
            queue: Queue::default(),
            luck: Luck::default(),
            name,
        };
        Ok(Redis {
            inner: Arc::new(inner),
        })
    }
}

/// Whether a server answered the greeting, and with no.
fn is_refusal(error: &RedisError) -> bool {
    use redis::ErrorKind::{AuthenticationFailed, InvalidClientConfig, Server};
    match error.kind() {
        AuthenticationFailed | InvalidClientConfig | Server(ServerErrorKind::NoPerm) => true,
        // The way a refused `SELECT` comes back; other such answers, as to too many clients, carry another text.
        Server(ServerErrorKind::ResponseError) => error.to_string().contains("switch database"),
        _ => matches!(error.code(), Some("WRONGPASS" | "NOAUTH")),
    }
}

impl Inner {
    async fn run(&self, command: &Cmd) -> Result<Value, Error> {
        self.told(self.link.run(command).await)
    }

    fn told<T>(&self, result: RedisResult<T>) -> Result<T, Error> {
        result.map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: RedisError) -> Error {
        use redis::ErrorKind as Kind;
        let (kind, what) = match cause.kind() {
            Kind::Client if cause.to_string().starts_with(CLOSED) => (ErrorKind::Closed, "has been closed"),
            Kind::Io => (ErrorKind::Unavailable, "does not answer"),
            Kind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ) => (ErrorKind::Unavailable, "is not ready to serve"),
            _ => (ErrorKind::Store, "answered with an error"),
        };
        Error::new(kind, format!("{} {what}", self.name)).with_cause(cause)
    }

    fn unexpected(&self) -> Error {
        Error::new(
            ErrorKind::Store,
            format!("{} gave an answer that belongs to no such question", self.name),
        )
    }

    /// Looks `keys` up in one request, with the lives left if `life` says so; the answers are in their order.
    async fn look_up(
        &self,
        keys: &[&str],
        life: bool,
    ) -> RedisResult<impl Iterator<Item = Result<Lookup, Error>>> {
        let looked = self
            .luck
            .look(&self.scripts.look_up, &self.link, keys, life)
            .await?;
        let lives = looked.lives.into_iter().flatten();
        let lives = lives.map(Some).chain(std::iter::repeat(None));
        let looked = looked.answers.into_iter().zip(lives);
        Ok(looked.map(|(what, left)| self.looked_up(what, left.as_ref())))
    }

    fn looked_up(&self, what: Value, left: Option<&Value>) -> Result<Lookup, Error> {
        match what {
            Value::BulkString(bytes) => {
                let remaining = match left {
                    None => None,
                    Some(&Value::Int(left)) => remaining(left),
                    Some(_) => return Err(self.unexpected()),
                };
                Ok(Lookup::Found(Found { bytes, remaining }))
            }
            Value::Array(other) => match <[Value; 1]>::try_from(other) {
                Ok([Value::BulkString(token)]) => Ok(Lookup::Missing(Token::new(token))),
                Err(failure) => Err(self.unreadable(&failure)),
                Ok(_) => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    fn unreadable(&self, failure: &[Value]) -> Error {
        let [Value::BulkString(why), Value::Int(_)] = failure else {
            return self.unexpected();
        };
        let why = String::from_utf8_lossy(why).into_owned();
        // A list, a hash: nothing that this store has written.
        let kind = if why.contains("WRONGTYPE") {
            ErrorKind::Decode
        } else {
            ErrorKind::Store
        };
        Error::new(kind, format!("{} cannot read a key", self.name)).with_cause(why)
    }

    async fn reserve(&self, key: &str) -> Result<Token, Error> {
        let token = fresh();
        let set = cmd("SET")
            .arg(lease_of(key))
            .arg(&token)
            .arg("PX")
            .arg(milliseconds(LEASE))
            .take();
        self.run(&set).await?;
        Ok(Token::new(token))
    }

    async fn fill(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<Filled, Error> {
        let life = life(ttl);
        let arguments = [token.as_bytes(), bytes, life.as_bytes()];
        let keys = [key, &lease_of(key)];
        match self.told(self.scripts.fill.run(&self.link, &keys, &arguments).await)? {
            Value::Int(1) => Ok(Filled::Stored),
            Value::Int(0) => Ok(Filled::Refused),
            _ => Err(self.unexpected()),
        }
    }

    async fn put(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let life = life(ttl);
        let (keys, arguments) = ([key, &lease_of(key)], [bytes, life.as_bytes()]);
        self.told(self.scripts.put.run(&self.link, &keys, &arguments).await)?;
        Ok(())
    }

    async fn remove(&self, keys: &[String]) -> Result<(), Error> {
        for batch in keys.chunks(BATCH) {
            let mut unlink = cmd("UNLINK");
            for key in batch {
                unlink.arg(key).arg(lease_of(key));
            }
            self.run(&unlink).await?;
        }
        Ok(())
    }

    async fn touch(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        match self.run(cmd("PEXPIRE").arg(key).arg(milliseconds(ttl))).await? {
            Value::Int(touched) => Ok(touched == 1),
            _ => Err(self.unexpected()),
        }
    }

    async fn remaining(&self, key: &str) -> Result<Option<Option<Duration>>, Error> {
        match self.run(cmd("PTTL").arg(key)).await? {
            Value::Int(-2) => Ok(None),
            Value::Int(left) => Ok(Some(remaining(left))),
            _ => Err(self.unexpected()),
        }
    }
}

/// What `PTTL` says of a key that is there.
fn remaining(left: i64) -> Option<Duration> {
    (left != -1).then(|| Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

/// How the scripts are told a ttl.
fn life(ttl: Option<Duration>) -> String {
    ttl.map(|ttl| milliseconds(ttl).to_string()).unwrap_or_default()
}

impl Store for Redis {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(batch::get(&self.inner, key, true))
    }

    fn get_bytes<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(batch::get(&self.inner, key, false))
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
            self.inner
                .told(sweep::remove_matching(&self.inner.link, pattern, wanted).await)
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(self.inner.remaining(key))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.inner.run(&cmd("PING")).await?;
            self.inner.link.forget_owing();
            Ok(())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.link.close();
        Box::pin(std::future::ready(()))
    }

    fn describe(&self) -> String {
        self.inner.name.clone()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.inner.name).finish()
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisBuilder").finish_non_exhaustive()
    }
}

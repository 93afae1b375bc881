//! The Redis store.
//!
//! `builder` sets one up, `servers` reads the URL and `address` what it says of each server. `place` says where a server is,
//! by asking the `sentinel`s if need be, `dial` makes a connection and `link` keeps it; beside it a `lane` carries look-ups,
//! and `reply` reads their answers. `cluster` is several servers, and `carrier` the one or the other. `leases` holds the
//! scripts that make tokens true, `batch` sends look-ups together, as `look` says, `many` asks for several keys, `sweep`
//! removes by pattern, and `recent` is what has to be removed again where another server takes over. This file says which
//! command answers which verb of [`Store`].

mod address;
mod batch;
mod builder;
mod carrier;
mod cluster;
mod dial;
mod lane;
mod leases;
mod link;
mod look;
mod many;
mod place;
mod recent;
mod reply;
mod request;
mod sentinel;
mod servers;
mod store;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::runtime::Handle;

use self::batch::{Get, Queue};
pub use self::builder::RedisBuilder;
use self::carrier::Carrier;
use self::cluster::verbs;
use self::leases::{LEASE, Scripts, is_replacing, milliseconds, replacing};
use self::link::{CLOSED, Waits};
use self::look::Luck;
use crate::store::Filling;
use crate::{Error, ErrorKind, Filled, Found, Lookup, Token};

/// A Redis (or Valkey) server, 5.0 or later, as a [`Store`](crate::Store) with every guarantee; or a Redis Cluster, or a master that
/// Redis Sentinels watch over.
///
/// Cheap to clone; the clones share one multiplexed connection to each server, and without TLS up to two more that only
/// look up. They are established again by themselves whenever they are lost. While a server is down every call for it
/// fails at once with [`ErrorKind::Unavailable`].
///
/// Beside each value that was missed stands a short-lived lease, `{key}:lease`: users restricted by key patterns need
/// both `~shop:*` and `~{shop:*` (on a cluster `~{*`, if keys have braces). A load that takes longer than a minute loses its
/// lease and is not stored.
///
/// # Clusters
///
/// * The keys lie where the hash slots of Redis put them. Braces in a template keep entries together, as everywhere:
///   `key = "cart:{{{id}}}:total"`.
/// * Look-ups, fills and removals of many keys are one round trip to each server; patterns are removed from every primary.
/// * Redirections are followed, so slots may be moved and servers added while the cluster is used. While a slot is on its
///   way, what it holds is served and can be removed, and what is missing there is loaded without being stored.
/// * The keys of a primary that is down are misses, and removals of them are errors, which the tier above queues. The
///   others are served. One that hangs is waited for 400 ms at first (a `time_budget` should be longer), and 25 ms until it
///   answers again.
/// * Restricted users need `cluster|slots`, `cluster|nodes` and `cluster|info` beside the commands on keys.
///
/// # Fail-overs
///
/// A replica that takes over, in a cluster or behind sentinels, is found without a restart: after a redirection or a failed
/// call, and a master that the sentinels have replaced within about a second also while it still answers.
///
/// Redis replicates asynchronously, so the successor may lack the last writes. What this process has removed or replaced
/// within the last minute (65,536 keys at most) is therefore removed on the successor once more before anything is read
/// from it. What a process has removed that has died since, and what another process has removed on a master cut off from
/// this one, may be read again until its ttl. A lease that the successor lacks is a fill that is refused, and nothing else.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    carrier: Carrier,
    /// One of several servers, each of which takes commands only on keys that lie together.
    of_a_cluster: bool,
    scripts: Scripts,
    queue: Queue,
    luck: Luck,
    name: String,
}

impl Redis {
    /// The server or servers at `url`:
    ///
    /// * `redis://[user:password@]host[:port][/db]` or `unix:///path/redis.sock[?db=0&user=..&pass=..]`: one server.
    /// * `redis-cluster://[user:password@]host[:port][,host[:port]...]`: a cluster, of which some nodes are named. They know
    ///   the others.
    /// * `redis-sentinel://[user:password@]host[:port][,host[:port]...]/master[/db]`: the master of this name, found through
    ///   these sentinels, whose port is 26379 unless said otherwise. User and password are those of the servers; the
    ///   sentinels' own are parameters, `?sentinel_username=..&sentinel_password=..`.
    ///
    /// `rediss://`, `rediss-cluster://` and `rediss-sentinel://` are the same over TLS (feature `tls`), the last also to the
    /// sentinels.
    ///
    /// Waits for the first connection, for at most a second. A server that cannot be reached is no error, since it
    /// may come back; a URL that cannot be used, or whose credentials or database the server refuses, is one of kind
    /// [`ErrorKind::Configuration`]. Must be called inside a tokio runtime.
    ///
    /// The connection lives in the runtime that first needs it, this one as a rule, and may be used from any. Let that be
    /// one that always runs: from one of a single thread that only runs while something blocks on it no answer comes meanwhile,
    /// and after a second of that the connection is made anew by somebody who waits.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// The same without waiting: the connection is made by the first call. Only a URL that cannot be used is an error.
    pub fn connect_lazily(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect_lazily()
    }

    /// The same with certificates of one's own.
    pub fn builder(url: impl AsRef<str>) -> RedisBuilder {
        RedisBuilder::new(url.as_ref())
    }
}

impl Inner {
    fn new(carrier: Carrier, name: String) -> Self {
        Self {
            carrier,
            of_a_cluster: false,
            scripts: Scripts::new(),
            queue: Queue::default(),
            luck: Luck::default(),
            name,
        }
    }

    fn of_a_cluster(mut self) -> Self {
        self.of_a_cluster = true;
        self
    }

    /// Where the connection lives, if there is one.
    fn runtime(&self) -> Option<Handle> {
        match &self.carrier {
            Carrier::Server(link) => link.runtime(),
            // Each of its servers is a store of its own.
            Carrier::Cluster(_) => None,
        }
    }

    async fn run(&self, key: &str, command: &Cmd) -> Result<Value, Error> {
        self.told(self.carrier.run(key, command).await)
    }

    fn told<T>(&self, result: RedisResult<T>) -> Result<T, Error> {
        result.map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: RedisError) -> Error {
        use redis::ErrorKind as Kind;
        let (kind, what) = match cause.kind() {
            Kind::Client if cause.to_string().starts_with(CLOSED) => (ErrorKind::Closed, "has been closed"),
            Kind::Io => (ErrorKind::Unavailable, "does not answer"),
            Kind::MasterNameNotFoundBySentinel | Kind::ClusterConnectionNotFound => {
                (ErrorKind::Unavailable, "has no server for it")
            }
            Kind::Server(ServerErrorKind::Moved) if matches!(self.carrier, Carrier::Server(_)) => (
                ErrorKind::Store,
                "is one of a cluster: its URL begins with redis-cluster://",
            ),
            Kind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ) => (ErrorKind::Unavailable, "is not ready to serve"),
            // Users may be kept from some keys, which says nothing of the others.
            Kind::Server(ServerErrorKind::NoPerm) if cause.to_string().contains(" key") => {
                (ErrorKind::Store, "does not allow this")
            }
            _ => match builder::refusal(&cause) {
                Some(what) => (ErrorKind::Configuration, what),
                None => (ErrorKind::Store, "answered with an error"),
            },
        };
        let error = Error::new(kind, format!("{} {what}", self.name)).with_cause(cause);
        match &self.carrier {
            Carrier::Cluster(cluster) if cluster.serves() => error.of_a_part(),
            _ => error,
        }
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
        waits: Waits,
    ) -> RedisResult<impl Iterator<Item = Result<Lookup, Error>>> {
        let answer = self.ask(keys, life, waits).await?;
        let (answers, lives) = match answer {
            Value::Array(mut both) if life => match (both.pop(), both.pop()) {
                (Some(Value::Array(lives)), Some(Value::Array(answers))) => (answers, lives),
                _ => (Vec::new(), Vec::new()),
            },
            Value::Array(answers) => (answers, Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        let lives = lives.into_iter().map(Some).chain(std::iter::repeat(None));
        let looked = answers.into_iter().zip(lives);
        Ok(looked.map(|(what, left)| self.looked_up(what, left.as_ref())))
    }

    async fn ask(&self, keys: &[&str], life: bool, waits: Waits) -> RedisResult<Value> {
        let Carrier::Server(link) = &self.carrier else {
            return Err((
                redis::ErrorKind::Client,
                "a cluster is looked up server by server",
            )
                .into());
        };
        let script = &self.scripts.look_up;
        if self.of_a_cluster {
            // Boxed: others make a look-up of one command, which is to be small.
            return Box::pin(verbs::look_apart(link, script, keys, life)).await;
        }
        self.luck.look(script, link, keys, life, waits).await
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
            Value::ServerError(error) => Err(self.error(error.into())),
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
        // What was there counts no more.
        self.carrier.note([key]);
        let token = replacing();
        let set = cmd("SET")
            .arg(self.carrier.lease_of(key))
            .arg(&token)
            .arg("PX")
            .arg(milliseconds(LEASE))
            .take();
        self.run(key, &set).await?;
        Ok(Token::new(token))
    }

    async fn fill(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<Filled, Error> {
        self.note_replaced([(key, token)]);
        let life = life(ttl);
        let arguments = [token.as_bytes(), bytes, life.as_bytes()];
        let keys = [key, &self.carrier.lease_of(key)];
        self.filled(self.scripts.fill.run(&self.carrier, &keys, &arguments).await)
    }

    /// Notes what is about to be replaced. It was noted when its token was given, which may be long ago: a writer's body has
    /// run since.
    fn note_replaced<'a>(&self, fills: impl IntoIterator<Item = (&'a str, &'a Token)>) {
        let replacing = fills
            .into_iter()
            .filter(|(_, token)| is_replacing(token.as_bytes()));
        self.carrier.note(replacing.map(|(key, _)| key));
    }

    fn filled(&self, answer: RedisResult<Value>) -> Result<Filled, Error> {
        match self.told(answer)? {
            Value::Int(1) => Ok(Filled::Stored),
            Value::Int(0) => Ok(Filled::Refused),
            _ => Err(self.unexpected()),
        }
    }

    async fn put(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        self.carrier.note([key]);
        let life = life(ttl);
        let (keys, arguments) = ([key, &self.carrier.lease_of(key)], [bytes, life.as_bytes()]);
        self.told(self.scripts.put.run(&self.carrier, &keys, &arguments).await)?;
        Ok(())
    }

    async fn get_many(&self, keys: &[String]) -> Vec<Result<Lookup, Error>> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if let Carrier::Cluster(cluster) = &self.carrier {
            return verbs::look_up(self, cluster, &keys, true).await;
        }
        self.look_up_many(&keys).await
    }

    async fn fill_many(&self, fills: &[Filling<'_>]) -> Vec<Result<Filled, Error>> {
        self.note_replaced(fills.iter().map(|fill| (fill.key, fill.token)));
        if let Carrier::Cluster(cluster) = &self.carrier {
            return verbs::fill_many(self, cluster, fills).await;
        }
        self.fill_together(fills).await
    }

    async fn remove(&self, keys: &[String]) -> Result<(), Error> {
        self.carrier.note(keys.iter().map(String::as_str));
        let link = match &self.carrier {
            Carrier::Server(link) => link,
            Carrier::Cluster(cluster) => return self.told(verbs::remove(cluster, keys).await),
        };
        for unlink in leases::removals(keys) {
            self.told(link.run(&unlink).await)?;
        }
        Ok(())
    }

    async fn get(self: &Arc<Self>, key: &str, life: bool) -> Result<Lookup, Error> {
        match &self.carrier {
            Carrier::Server(_) => self.get_here(key, life).await,
            Carrier::Cluster(cluster) => verbs::get(self, cluster, key, life).await,
        }
    }

    /// Looks up on this very server.
    async fn get_here(self: &Arc<Self>, key: &str, life: bool) -> Result<Lookup, Error> {
        let answer = Get::new(self, key, life, None).await;
        answer.unwrap_or_else(|| Err(self.unexpected()))
    }

    async fn touch(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        match self
            .run(key, cmd("PEXPIRE").arg(key).arg(milliseconds(ttl)))
            .await?
        {
            Value::Int(touched) => Ok(touched == 1),
            _ => Err(self.unexpected()),
        }
    }

    async fn remaining(&self, key: &str) -> Result<Option<Option<Duration>>, Error> {
        match self.run(key, cmd("PTTL").arg(key)).await? {
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

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.inner.name).finish()
    }
}

//! Entries on memcached servers.
//!
//! Used through [`Store`] only. `builder` makes one, `address` reads what the user wrote, `ring` says which server keeps a key, `link` keeps
//! the connection to each (`driver` owns its socket, `wire` speaks the protocol, `clock` tells the server's time), `item`
//! is how an entry looks there, `commands` say what each verb is on one server and how tokens work. This file spreads
//! the verbs over the servers.

mod address;
mod builder;
mod clock;
mod commands;
mod driver;
mod greeting;
mod item;
mod link;
mod ring;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::MemcachedBuilder;
use self::commands::Failure;
use self::link::{Fault, Link};
use self::ring::Ring;
use crate::store::{Filled, Filling, Guarantees, Lookup, Store, Token};
use crate::together::all;
use crate::{BoxFuture, Error, ErrorKind};

/// One or several memcached servers, 1.6.10 or later, as a [`Store`] that cannot find keys by pattern.
///
/// Cheap to clone; the clones share one pipelined connection to each server, which is established again by itself
/// whenever it is lost. Calls for a server that is down fail at once with [`ErrorKind::Unavailable`]; the keys of the
/// other servers are served as before.
///
/// * Several servers share the keys by ketama, placed as libmemcached places them. A server that is down keeps its
///   keys. What it held while this process could not reach it is not read again by this process, since somebody's
///   invalidation may not have reached it either. Where the list of servers changes, all of them must be flushed:
///   an entry that has moved and moves back has missed the invalidations between.
/// * Keys that memcached does not take (longer than 250 bytes, with spaces) are replaced by their SHA-256, and the full
///   key is verified at each look-up.
/// * An entry is refused with an error if it is larger than the server's `-I`, by default 1 MiB with some 100 bytes for
///   its key and head.
/// * Expiry is told in the server's time, measured to some hundredths of a second within ten seconds of connecting, and
///   to half a second before. A [`touch`](Store::touch) counts in whole seconds, and ends up to three seconds late.
/// * Memory on the server is kept for a minute after an entry has ended, as it is for a key that was missed. A load that
///   takes longer than that minute, or longer than the connection lives, is not stored.
/// * There is no TLS and there are no passwords: the servers belong in a network of one's own.
#[derive(Clone)]
pub struct Memcached {
    inner: Arc<Inner>,
}

struct Inner {
    ring: Ring,
    links: Vec<Link>,
    name: String,
}

impl Memcached {
    /// These servers: `host[:port]`, `[ipv6][:port]`, `unix:/path/memcached.sock` or that path alone. The port is 11211
    /// unless said otherwise. All programs that share entries must name the servers alike.
    ///
    /// Waits for the first connections, for a quarter of a second at most. A server that cannot be reached is no error,
    /// since it may come back; an address that cannot be used, a list that is empty or names a server twice, and a server
    /// that answers but is not fit to serve (too old, started without cas, asking for a password) are one of kind
    /// [`ErrorKind::Configuration`]. Must be called inside a tokio runtime.
    pub async fn connect<A: AsRef<str>>(servers: impl IntoIterator<Item = A>) -> Result<Self, Error> {
        Self::builder(servers).connect().await
    }

    /// The same without waiting: connections are made by the first calls. Only what can be told from the addresses is
    /// an error.
    pub fn connect_lazily<A: AsRef<str>>(servers: impl IntoIterator<Item = A>) -> Result<Self, Error> {
        Self::builder(servers).connect_lazily()
    }

    /// The same with settings.
    pub fn builder<A: AsRef<str>>(servers: impl IntoIterator<Item = A>) -> MemcachedBuilder {
        MemcachedBuilder::new(servers)
    }
}

impl Inner {
    /// The server that keeps `key`, by its place.
    fn place(&self, key: &str) -> usize {
        match self.links.len() {
            1 => 0,
            _ => self.ring.server_of(&item::Key::new(key).wire),
        }
    }

    /// One verb on the server of one key.
    async fn one<'a, T, F>(&'a self, key: &str, verb: impl FnOnce(&'a Link) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let place = self.place(key);
        verb(&self.links[place])
            .await
            .map_err(|failure| self.error(place, failure))
    }

    /// One verb on every server that keeps some of `things`, at once, each with its own. The answers are in the order of
    /// the things; a server that has failed has failed for each of its own.
    async fn each<'a, I: Copy + Send + 'a, T: Send>(
        &'a self,
        things: impl IntoIterator<Item = (&'a str, I)>,
        verb: impl Fn(&'a Link, Vec<I>) -> BoxFuture<'a, Result<Vec<Result<T, Failure>>, Failure>>,
    ) -> Vec<Result<T, Error>> {
        let mut shares: Vec<(Vec<usize>, Vec<I>)> = self.links.iter().map(|_| Default::default()).collect();
        let mut number = 0;
        for (at, (key, thing)) in things.into_iter().enumerate() {
            let (positions, share) = &mut shares[self.place(key)];
            positions.push(at);
            share.push(thing);
            number = at + 1;
        }
        let (mut places, mut running) = (Vec::new(), Vec::new());
        for (place, (positions, share)) in shares.into_iter().enumerate() {
            if !share.is_empty() {
                running.push(verb(&self.links[place], share));
                places.push((place, positions));
            }
        }
        let mut answers: Vec<Option<Result<T, Error>>> = (0..number).map(|_| None).collect();
        for (outcome, (place, positions)) in all(running).await.into_iter().zip(places) {
            let mut outcome = outcome.map(Vec::into_iter);
            for at in positions {
                let answer = match &mut outcome {
                    Ok(answers) => answers.next().unwrap_or(Err(Failure::Unexpected)),
                    Err(failure) => Err(failure.clone()),
                };
                answers[at] = Some(answer.map_err(|failure| self.error(place, failure)));
            }
        }
        answers.into_iter().flatten().collect()
    }

    fn error(&self, place: usize, failure: Failure) -> Error {
        let server = self.links[place].address();
        let error = |kind, what: &str| Error::new(kind, format!("memcached at {server} {what}"));
        match failure {
            Failure::Fault(Fault::Closed) => error(ErrorKind::Closed, "has been closed"),
            Failure::Fault(Fault::Unfit(why)) => {
                error(ErrorKind::Store, "is not fit to serve").with_cause(why)
            }
            Failure::Fault(Fault::Unreachable(why)) => {
                let error = error(ErrorKind::Unavailable, "does not answer").with_cause(why);
                let mut others = self.links.iter().enumerate().filter(|(other, _)| *other != place);
                if others.any(|(_, link)| !link.is_down()) {
                    error.of_a_part()
                } else {
                    error
                }
            }
            Failure::Refused(why) => error(ErrorKind::Store, "cannot do it").with_cause(why),
            Failure::TooLarge { bytes, largest } => error(
                ErrorKind::Store,
                &format!(
                    "takes items of {largest} bytes, and this one has {bytes} (start the server with a larger -I)"
                ),
            ),
            Failure::Foreign => error(
                ErrorKind::Decode,
                "holds something under this key that is no entry",
            ),
            Failure::Unexpected => error(
                ErrorKind::Store,
                "gave an answer that belongs to no such question",
            ),
        }
    }
}

impl Store for Memcached {
    fn guarantees(&self) -> Guarantees {
        Guarantees::ALL.without_patterns()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(self.inner.one(key, move |link| async move {
            let mut answers = commands::get(link, &[key]).await?;
            answers.pop().unwrap_or(Err(Failure::Unexpected))
        }))
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(self.inner.one(key, move |link| commands::reserve(link, key)))
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        let filling = Filling {
            key,
            bytes,
            ttl,
            token,
        };
        Box::pin(self.inner.one(key, move |link| async move {
            let mut answers = commands::fill(link, &[filling]).await?;
            answers.pop().unwrap_or(Err(Failure::Unexpected))
        }))
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Vec<Result<Lookup, Error>>> {
        let keys = keys.iter().map(|key| (key.as_str(), key.as_str()));
        Box::pin(self.inner.each(keys, |link, share| {
            Box::pin(async move { commands::get(link, &share).await })
        }))
    }

    fn fill_many<'a>(&'a self, fills: &'a [Filling<'a>]) -> BoxFuture<'a, Vec<Result<Filled, Error>>> {
        let fills = fills.iter().map(|fill| (fill.key, *fill));
        Box::pin(self.inner.each(fills, |link, share| {
            Box::pin(async move { commands::fill(link, &share).await })
        }))
    }

    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.inner.one(key, move |link| commands::touch(link, key, ttl)))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(
            self.inner
                .one(key, move |link| commands::put(link, key, bytes, ttl)),
        )
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        let keys = keys.iter().map(|key| (key.as_str(), key.as_str()));
        Box::pin(async move {
            let removed = self.inner.each(keys, |link, share| {
                Box::pin(async move {
                    commands::remove(link, &share).await?;
                    Ok(share.iter().map(|_| Ok(())).collect())
                })
            });
            removed.await.into_iter().collect()
        })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        _wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let what = format!("memcached cannot find keys by pattern, so `{pattern}` was not removed");
        Box::pin(std::future::ready(Err(Error::new(ErrorKind::Unsupported, what))))
    }

    fn parts(&self) -> usize {
        self.inner.links.len()
    }

    fn part_of(&self, key: &str) -> usize {
        self.inner.place(key)
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(self.inner.one(key, move |link| commands::remaining(link, key)))
    }

    /// Answers if any of the servers does.
    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let pings = self
                .inner
                .links
                .iter()
                .enumerate()
                .map(|(place, link)| -> BoxFuture<'_, _> {
                    Box::pin(async move {
                        let answer = commands::ping(link).await;
                        answer.map_err(|failure| self.inner.error(place, failure))
                    })
                });
            let answers = all(pings.collect()).await;
            answers.into_iter().reduce(Result::or).unwrap_or(Ok(()))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.links.iter().for_each(Link::close);
        Box::pin(std::future::ready(()))
    }

    fn describe(&self) -> String {
        self.inner.name.clone()
    }
}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memcached").field(&self.inner.name).finish()
    }
}

//! A Redis store that does something of the test's before each removal, or each fill: fails, waits, tells.

use std::time::Duration;

use cached_runtime::stores::Redis;
use cached_runtime::{BoxFuture, Error, Filled, Lookup, Store, Token};

type Hook = Box<dyn Fn() -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

pub(crate) struct Hooked {
    redis: Redis,
    before_removal: Hook,
    before_fill: Hook,
}

fn nothing() -> BoxFuture<'static, Result<(), Error>> {
    Box::pin(std::future::ready(Ok(())))
}

impl Hooked {
    /// `before_removal` decides whether the removal happens at all.
    pub(crate) fn new(
        redis: Redis,
        before_removal: impl Fn() -> BoxFuture<'static, Result<(), Error>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            redis,
            before_removal: Box::new(before_removal),
            before_fill: Box::new(nothing),
        }
    }

    /// `before_fill` decides whether the fill happens at all.
    pub(crate) fn with_fills(
        redis: Redis,
        before_fill: impl Fn() -> BoxFuture<'static, Result<(), Error>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            before_fill: Box::new(before_fill),
            ..Self::new(redis, nothing)
        }
    }
}

impl Store for Hooked {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        self.redis.get(key)
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        self.redis.reserve(key)
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move {
            (self.before_fill)().await?;
            self.redis.fill(key, bytes, ttl, token).await
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.redis.put(key, bytes, ttl)
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            (self.before_removal)().await?;
            self.redis.remove(keys).await
        })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            (self.before_removal)().await?;
            self.redis.remove_matching(pattern, wanted).await
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        self.redis.remaining(key)
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.redis.ping()
    }

    fn describe(&self) -> String {
        "a Redis with a hook".to_owned()
    }
}

//! A store that keeps nothing and cannot find keys by pattern.

use std::time::Duration;

use cached_runtime::stores::Null;
use cached_runtime::{BoxFuture, Error, Filled, Guarantees, Lookup, Store, Token};

pub(crate) struct Blind;

static NULL: Null = Null;

impl Store for Blind {
    fn guarantees(&self) -> Guarantees {
        Guarantees::ALL.without_patterns()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        NULL.get(key)
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        NULL.reserve(key)
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        NULL.fill(key, bytes, ttl, token)
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        NULL.put(key, bytes, ttl)
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        NULL.remove(keys)
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        NULL.remove_matching(pattern, wanted)
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        NULL.remaining(key)
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        NULL.ping()
    }

    fn describe(&self) -> String {
        "blind".to_owned()
    }
}

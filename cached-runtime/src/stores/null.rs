//! A store that keeps nothing: the smallest thing that satisfies the contract.

use std::future::ready;
use std::time::Duration;

use crate::{BoxFuture, Error, Filled, Lookup, Store, Token};

/// Keeps nothing: every look-up misses, every fill is taken and forgotten, every removal succeeds.
///
/// For switching a tier off by configuration without touching the functions that name it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Null;

/// The one token there is. What is filled under it is forgotten, so it need not differ.
fn token() -> Token {
    Token::new(*b"null")
}

impl Store for Null {
    fn get<'a>(&'a self, _key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(ready(Ok(Lookup::Missing(token()))))
    }

    fn reserve<'a>(&'a self, _key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(ready(Ok(token())))
    }

    fn fill<'a>(
        &'a self,
        _key: &'a str,
        _bytes: &'a [u8],
        _ttl: Option<Duration>,
        _token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        // Not refused: that says that somebody else was at it, and a writer would leave no value in the other tiers.
        Box::pin(ready(Ok(Filled::Stored)))
    }

    fn touch<'a>(&'a self, _key: &'a str, _ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(ready(Ok(false)))
    }

    fn put<'a>(
        &'a self,
        _key: &'a str,
        _bytes: &'a [u8],
        _ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn remove<'a>(&'a self, _keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn remove_matching<'a>(
        &'a self,
        _pattern: &'a str,
        _wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(ready(Ok(0)))
    }

    fn remaining<'a>(&'a self, _key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(ready(Ok(None)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn describe(&self) -> String {
        "null".to_owned()
    }
}

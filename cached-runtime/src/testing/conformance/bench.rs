//! What the cases stand on: keys of their own, and verbs whose failures read as sentences.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Filled, Found, Lookup, Store, Token};

/// A minute: long enough that nothing expires under a test.
pub(super) const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

/// Says that a law is broken unless the condition holds.
macro_rules! law {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}
pub(super) use law;

pub(super) struct Bench {
    pub(super) store: Arc<dyn Store>,
    prefix: String,
    used: Mutex<Vec<String>>,
}

impl Bench {
    pub(super) fn new(store: Arc<dyn Store>, case: &str) -> Self {
        // Two runs against one server do not meet.
        let prefix = format!("conformance-{:016x}:{case}:", fastrand::u64(..));
        Self {
            store,
            prefix,
            used: Mutex::default(),
        }
    }

    /// The full key `name` of this run.
    pub(super) fn key(&self, name: &str) -> String {
        let key = self.prefix.clone() + name;
        self.used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(key.clone());
        key
    }

    /// A glob over keys of this run.
    pub(super) fn pattern(&self, glob: &str) -> String {
        self.prefix.clone() + glob
    }

    /// `key` without what is the same in all keys of this run.
    pub(super) fn short<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&self.prefix).unwrap_or(key)
    }

    /// Removes every key that was named.
    pub(super) async fn clean(&self) -> Result<(), String> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        self.store
            .remove(&used)
            .await
            .map_err(|error| format!("cleaning up failed: {error:?}"))
    }

    pub(super) async fn get(&self, key: &str) -> Result<Lookup, String> {
        self.store
            .get(key)
            .await
            .map_err(|error| format!("looking {} up failed: {error:?}", self.short(key)))
    }

    /// The token of a key that must not be there.
    pub(super) async fn missing(&self, key: &str) -> Result<Token, String> {
        match self.get(key).await? {
            Lookup::Missing(token) => Ok(token),
            Lookup::Found(found) => Err(format!(
                "{} should be absent, and holds {}",
                self.short(key),
                show(&found.bytes)
            )),
        }
    }

    /// What is under a key that must be there, and must hold `bytes`.
    pub(super) async fn holds(&self, key: &str, bytes: &[u8]) -> Result<Found, String> {
        match self.get(key).await? {
            Lookup::Found(found) if found.bytes == bytes => Ok(found),
            Lookup::Found(found) => Err(format!(
                "{} should hold {}, and holds {}",
                self.short(key),
                show(bytes),
                show(&found.bytes)
            )),
            Lookup::Missing(_) => Err(format!(
                "{} should hold {}, and is absent",
                self.short(key),
                show(bytes)
            )),
        }
    }

    pub(super) async fn reserve(&self, key: &str) -> Result<Token, String> {
        let reserved = self.store.reserve(key).await;
        reserved.map_err(|error| format!("reserving {} failed: {error:?}", self.short(key)))
    }

    pub(super) async fn fill(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<Filled, String> {
        let filled = self.store.fill(key, bytes, ttl, token).await;
        filled.map_err(|error| format!("filling {} failed: {error:?}", self.short(key)))
    }

    /// A fill that must be accepted.
    pub(super) async fn stored(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<(), String> {
        let filled = self.fill(key, bytes, ttl, token).await?;
        law!(
            filled == Filled::Stored,
            "a fill of {} under a good token was refused",
            self.short(key)
        );
        Ok(())
    }

    /// A fill that must be refused, because `why`.
    pub(super) async fn refused(&self, key: &str, token: &Token, why: &str) -> Result<(), String> {
        let filled = self.fill(key, b"stale", MINUTE, token).await?;
        law!(
            filled == Filled::Refused,
            "a fill of {} was accepted although {why}",
            self.short(key)
        );
        match self.get(key).await? {
            Lookup::Found(found) if found.bytes == b"stale" => Err(format!(
                "a fill of {} was called refused, and is stored",
                self.short(key)
            )),
            _ => Ok(()),
        }
    }

    pub(super) async fn put(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<(), String> {
        let put = self.store.put(key, bytes, ttl).await;
        put.map_err(|error| format!("putting {} failed: {error:?}", self.short(key)))
    }

    pub(super) async fn remove(&self, keys: &[String]) -> Result<(), String> {
        let removed = self.store.remove(keys).await;
        removed.map_err(|error| format!("removing {} keys failed: {error:?}", keys.len()))
    }

    pub(super) async fn remove_one(&self, key: &str) -> Result<(), String> {
        self.remove(&[key.to_owned()]).await
    }

    /// Removes what matches the whole of `pattern`, whatever it is.
    pub(super) async fn remove_matching(&self, pattern: &str) -> Result<u64, String> {
        let removed = self.store.remove_matching(pattern, &|_| true).await;
        removed.map_err(|error| format!("removing {} failed: {error:?}", self.short(pattern)))
    }

    pub(super) async fn remaining(&self, key: &str) -> Result<Option<Option<Duration>>, String> {
        let remaining = self.store.remaining(key).await;
        remaining.map_err(|error| {
            format!(
                "asking for the life left of {} failed: {error:?}",
                self.short(key)
            )
        })
    }
}

/// A value in a message: all of a short one, the size of a long one.
pub(super) fn show(bytes: &[u8]) -> String {
    if bytes.len() > 40 {
        format!("{} bytes", bytes.len())
    } else {
        format!("\"{}\"", bytes.escape_ascii())
    }
}

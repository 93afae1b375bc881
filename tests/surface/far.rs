//! A remote store in memory, which can be made to wait before it removes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cached_runtime::fuzzing::key::glob_matches;
use cached_runtime::{BoxFuture, Error, Filled, Found, Lookup, Store, Token};
use tokio::sync::Semaphore;

#[derive(Clone, Default)]
pub(crate) struct Far(Arc<State>);

struct State {
    keys: Mutex<HashMap<String, Slot>>,
    removals: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
            removals: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }
}

#[derive(Default)]
struct Slot {
    entry: Option<(Vec<u8>, Option<Duration>)>,
    generation: u64,
}

impl Slot {
    fn token(&self) -> Token {
        Token::new(self.generation.to_le_bytes())
    }

    fn revoke(&mut self) -> bool {
        self.generation += 1;
        self.entry.take().is_some()
    }
}

impl Far {
    fn keys(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.keys.lock().unwrap()
    }

    /// The keys present, sorted.
    pub(crate) fn present(&self) -> Vec<String> {
        let keys = self.keys();
        let mut present: Vec<String> = keys
            .iter()
            .filter(|(_, slot)| slot.entry.is_some())
            .map(|(key, _)| key.clone())
            .collect();
        present.sort();
        present
    }

    /// The bytes under a key.
    pub(crate) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        Some(self.keys().get(key)?.entry.as_ref()?.0.clone())
    }

    /// The ttl that a key was stored with.
    pub(crate) fn ttl(&self, key: &str) -> Option<Duration> {
        self.keys().get(key)?.entry.as_ref()?.1
    }

    /// Changes the life left of an entry.
    pub(crate) fn set_ttl(&self, key: &str, ttl: Duration) {
        if let Some((_, left)) = self.keys().get_mut(key).and_then(|slot| slot.entry.as_mut()) {
            *left = Some(ttl);
        }
    }

    /// Loses everything, as a server that was restarted.
    pub(crate) fn drop_all(&self) {
        self.keys().clear();
    }

    /// Makes removals wait until `let_removals_go`.
    pub(crate) fn hold_removals(&self) {
        self.0.removals.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn let_removals_go(&self) {
        self.0.removals.add_permits(Semaphore::MAX_PERMITS);
    }
}

impl Store for Far {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move {
            let mut keys = self.keys();
            let slot = keys.entry(key.to_owned()).or_default();
            Ok(match &slot.entry {
                Some((bytes, ttl)) => Lookup::Found(Found {
                    bytes: bytes.clone(),
                    remaining: *ttl,
                }),
                None => Lookup::Missing(slot.token()),
            })
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            let mut keys = self.keys();
            let slot = keys.entry(key.to_owned()).or_default();
            slot.generation += 1;
            Ok(slot.token())
        })
    }

    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        self.set_ttl(key, ttl);
        let present = self.bytes(key).is_some();
        Box::pin(async move { Ok(present) })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move {
            let mut keys = self.keys();
            let slot = keys.entry(key.to_owned()).or_default();
            if slot.token() != *token {
                return Ok(Filled::Refused);
            }
            slot.revoke();
            slot.entry = Some((bytes.to_vec(), ttl));
            Ok(Filled::Stored)
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut keys = self.keys();
            let slot = keys.entry(key.to_owned()).or_default();
            slot.revoke();
            slot.entry = Some((bytes.to_vec(), ttl));
            Ok(())
        })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let _go = self.0.removals.acquire().await.unwrap();
            for key in keys {
                self.keys().entry(key.clone()).or_default().revoke();
            }
            Ok(())
        })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let _go = self.0.removals.acquire().await.unwrap();
            let mut removed = 0;
            for (key, slot) in self.keys().iter_mut() {
                if glob_matches(pattern, key) && wanted(key) {
                    removed += u64::from(slot.revoke());
                }
            }
            Ok(removed)
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(async move {
            let keys = self.keys();
            let entry = keys.get(key).and_then(|slot| slot.entry.as_ref());
            Ok(entry.map(|(_, ttl)| *ttl))
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn describe(&self) -> String {
        "far".to_owned()
    }
}

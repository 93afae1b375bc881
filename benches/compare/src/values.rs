//! What the functions under test return, and the count of their runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::keys::Pair;

/// Runs of a body since [`forget_loads`]. Only a miss touches it.
static LOADS: AtomicU64 = AtomicU64::new(0);

pub fn loads() -> u64 {
    LOADS.load(Relaxed)
}

pub fn forget_loads() {
    LOADS.store(0, Relaxed);
}

/// About 200 bytes when it is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub bio: String,
}

impl User {
    pub fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("user number {id}"),
            bio: "x".repeat(165),
        }
    }
}

/// What is cached.
pub trait Value: Clone + Send + Sync + 'static {
    fn of(id: u64) -> Self;
}

impl Value for u64 {
    fn of(id: u64) -> Self {
        id
    }
}

impl Value for Arc<User> {
    fn of(id: u64) -> Self {
        Arc::new(User::new(id))
    }
}

pub fn count_load() {
    LOADS.fetch_add(1, Relaxed);
}

/// The body of every function under test, for keys of one part.
pub fn load<V: Value>(id: u64) -> V {
    count_load();
    V::of(id)
}

/// The same for keys of two parts.
pub fn load_pair<V: Value>(_tenant: &str, id: u64) -> V {
    load(id)
}

/// The same for a key as a whole, for the caches that have no function.
pub trait Load: Copy {
    fn load<V: Value>(self) -> V;
}

impl Load for u64 {
    fn load<V: Value>(self) -> V {
        load(self)
    }
}

impl Load for Pair {
    fn load<V: Value>(self) -> V {
        load_pair(self.0, self.1)
    }
}

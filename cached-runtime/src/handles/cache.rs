//! A whole cache.

use std::fmt;
use std::sync::Arc;

use super::Entry;
use crate::behind;
use crate::caches::Caches;
use crate::caches::definition::Definition;
use crate::caches::function::Function;
use crate::caches::registry::Site;
use crate::call::values::Ways;
use crate::key::{KeyBuf, KeyPart};
use crate::resilience::Failed;
use crate::stats::CacheStats;
use crate::{Error, invalidate};

/// A cache: the entries of a cached function, those of every instantiation if it is generic, or those of a name.
///
/// Made by the companion of a cached function, `get_user_cache()`, or by [`Caches::cache`]. It belongs to the `Caches`
/// that was in force when it was made. Cheap to clone; clones are the same cache.
pub struct Cache<V> {
    whole: Whole,
    ways: fn() -> Ways<V>,
}

/// A cache without its type.
#[derive(Clone)]
pub(crate) struct Whole {
    pub(super) caches: Caches,
    /// Of an annotated function; `None` of a cache that was made by name.
    pub(super) site: Option<&'static Site>,
    pub(super) function: Arc<Function>,
}

impl Whole {
    /// One of them: all instantiations of a function have one template and one chain.
    pub(crate) fn any(&self) -> &Arc<Function> {
        &self.function
    }

    /// What is kept for it, for every type of values.
    pub(crate) fn functions(&self) -> Vec<Arc<Function>> {
        match self.site {
            Some(site) => self.caches.functions_of(site).collect(),
            None => vec![Arc::clone(&self.function)],
        }
    }
}

impl<V> Cache<V> {
    pub(crate) fn new(caches: Caches, definition: Definition<V>) -> Self {
        // Made now, so that its statistics are there, at zero, before the first call.
        let function = Arc::clone(caches.function(&definition));
        Self {
            whole: Whole {
                caches,
                site: Some(definition.site()),
                function,
            },
            ways: definition.ways(),
        }
    }

    /// Of a name.
    pub(crate) fn named(caches: Caches, function: Arc<Function>, ways: fn() -> Ways<V>) -> Self {
        Self {
            whole: Whole {
                caches,
                site: None,
                function,
            },
            ways,
        }
    }

    /// Its name, as in statistics and reports.
    pub fn name(&self) -> &str {
        &self.whole.function.name
    }

    /// The entry of a key: anything that is a [`KeyPart`], `"42"`, `42_u64`, `(org, id)`. Looks nothing up.
    ///
    /// A key is its text, which is made as that of a function's arguments is and can be that of no other key: entries
    /// lie under `users:42` and `users:(7,42,)`, and `entry("42")` is `entry(42)`.
    ///
    /// Of a cache made by name. The entries of a cached function are those of its companion, `get_user_entry(42)`, which
    /// is checked by the compiler: what methods of an entry made here do is fail with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), and its loaders run past the cache.
    pub fn entry(&self, key: impl KeyPart) -> Entry<V> {
        let mut buf = KeyBuf::new();
        buf.part(&key);
        let Whole {
            caches,
            site,
            function,
        } = &self.whole;
        let entry = Entry::of(caches.clone(), Arc::clone(function), self.ways, &buf);
        entry.astray_if(site.is_some())
    }

    /// Removes every entry from every tier, and nothing of other caches. A store that fails has the removal queued for
    /// replay, and so has one that is yet to be asked when the future is dropped. Writes that wait under `write_behind` are
    /// run first, as by [`Entry::invalidate`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after [`Caches::shutdown`].
    pub async fn clear(&self) -> Result<(), Error> {
        self.whole.caches.check_open()?;
        let mut failed = Failed::default();
        let removal = invalidate::cache(&self.whole, &mut failed);
        behind::removing(|ahead| ahead.cache(&self.whole), removal).await
    }

    /// Removes the entries whose key matches `glob`, as [`Caches::invalidate_pattern`] does, and nothing of other
    /// caches. Says how many there were: in memory or in a store, whichever held more. A key is matched whole, with what it
    /// begins with: `users:4*`.
    ///
    /// # Errors
    ///
    /// As [`clear`](Cache::clear), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if a store cannot find keys
    /// by pattern, as Memcached cannot, after the others have removed theirs.
    pub async fn invalidate_pattern(&self, glob: &str) -> Result<u64, Error> {
        self.whole.caches.check_open()?;
        let removal = invalidate::cache_pattern(&self.whole, glob);
        behind::removing(|ahead| ahead.cache_pattern(&self.whole, glob), removal).await
    }

    /// What happened since its [`Caches`] was built.
    pub fn stats(&self) -> CacheStats {
        let functions = self.whole.functions();
        let mut instantiations = functions.into_iter().map(|function| function.stats());
        let first = instantiations.next().unwrap_or_default();
        instantiations.fold(first, CacheStats::plus)
    }

    pub(crate) fn whole(&self) -> &Whole {
        &self.whole
    }

    pub(super) fn ways(&self) -> fn() -> Ways<V> {
        self.ways
    }
}

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Self {
        Self {
            whole: self.whole.clone(),
            ways: self.ways,
        }
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

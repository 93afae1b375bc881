//! What `#[invalidate]` expands into: a body, and what to remove once it has run.
//!
//! A writer that is dropped or panics after its body has begun still removes, without waiting for the stores: nobody
//! knows what it had committed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::Error;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::call::output::{Loaded, Output, Shape};
use crate::call::probe_of;
use crate::handles::{Cache, Entry, Whole};
use crate::key::KeyBytes;

/// When the entries are removed, as seen from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After it, unless it returned an error.
    After,
    /// Before it.
    Before,
}

/// `f_cache`: it takes the `Caches` if the cached function is told which to use, and the writer does not know. `M`
/// keeps the two apart.
pub trait WholeCache<A: ?Sized, M> {
    /// Every entry of that cache.
    fn add(self, first: &A, writer: &mut Writer);
}

impl<A: ?Sized, V, F: FnOnce() -> Cache<V>> WholeCache<A, (V,)> for F {
    fn add(self, _: &A, writer: &mut Writer) {
        writer.cache(&self());
    }
}

impl<A: AsRef<Caches> + ?Sized, V, F: FnOnce(&Caches) -> Cache<V>> WholeCache<A, [V; 1]> for F {
    fn add(self, caches: &A, writer: &mut Writer) {
        writer.cache(&self(caches.as_ref()));
    }
}

enum Target {
    Entry(Arc<Function>, KeyBytes),
    Cache(Whole),
    Key(Caches, String),
    Pattern(Caches, String),
    /// Whichever of those that match it was.
    OneOf(Caches, String),
}

/// What is to be removed, and when.
pub struct Writer {
    when: When,
    targets: Vec<Target>,
}

impl Writer {
    /// Removes nothing yet.
    pub fn new(when: When) -> Self {
        Self {
            when,
            targets: Vec::new(),
        }
    }

    /// One entry.
    pub fn entry<V>(&mut self, entry: &Entry<V>) {
        let (function, key) = entry.parts();
        self.targets.push(Target::Entry(
            Arc::clone(function),
            KeyBytes::from(key.as_bytes()),
        ));
    }

    /// Every entry of a cache.
    pub fn cache<V>(&mut self, cache: &Cache<V>) {
        self.targets.push(Target::Cache(cache.whole().clone()));
    }

    /// The same, of the companion that makes it and the first argument beside it.
    pub fn whole<A: ?Sized, M>(&mut self, cache: impl WholeCache<A, M>, first: &A) {
        cache.add(first, self);
    }

    /// By key text.
    pub fn key(&mut self, caches: Option<&Caches>, text: String) {
        self.targets
            .push(Target::Key(caches.cloned().unwrap_or_else(Caches::current), text));
    }

    /// By glob.
    pub fn pattern(&mut self, caches: Option<&Caches>, glob: String) {
        self.targets.push(Target::Pattern(
            caches.cloned().unwrap_or_else(Caches::current),
            glob,
        ));
    }

    /// One entry, of which no more is known than that its key matches a glob.
    pub fn one_of(&mut self, caches: Option<&Caches>, glob: String) {
        self.targets.push(Target::OneOf(
            caches.cloned().unwrap_or_else(Caches::current),
            glob,
        ));
    }

    async fn run(&self) {
        for target in &self.targets {
            if let Err(error) = target.remove().await {
                tracing::error!(%error, "an invalidation is not complete");
            }
        }
    }

    /// Removes without anybody waiting: from memory at once, from stores by a removal that is queued.
    fn run_detached(&self) {
        for target in &self.targets {
            // Begun and dropped midway, which queues what is left of it.
            let _ = pin!(target.remove()).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Target {
    async fn remove(&self) -> Result<(), Error> {
        match self {
            Self::Entry(function, key) => {
                super::entry(function, probe_of(key)).await;
                Ok(())
            }
            Self::Cache(whole) => super::cache(&whole.functions()).await,
            Self::Key(caches, text) => {
                super::by_text(caches, text).await;
                Ok(())
            }
            Self::Pattern(caches, glob) => super::by_pattern(caches, glob, false).await.map(drop),
            Self::OneOf(caches, glob) => super::by_pattern(caches, glob, true).await.map(drop),
        }
    }
}

/// Holds a writer whose body has begun.
struct Begun<F: FnOnce(&mut Writer)> {
    writer: Option<Writer>,
    unknown: Option<F>,
}

impl<F: FnOnce(&mut Writer)> Begun<F> {
    /// The removal is done, or none is due.
    fn done(mut self) {
        self.writer = None;
    }
}

impl<F: FnOnce(&mut Writer)> Drop for Begun<F> {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            if let Some(unknown) = self.unknown.take() {
                unknown(&mut writer);
            }
            writer.run_detached();
        }
    }
}

/// Runs `body` and removes what `writer` says.
pub async fn write<R, const K: u8>(shape: Shape<R, K>, writer: Writer, body: impl Future<Output = R>) -> R
where
    R: Output<K>,
{
    write_with(shape, writer, body, |_, _| {}, |_| {}).await
}

/// Runs `body` and removes what `writer` says, whatever the body returned. An error is held meanwhile, since the caller
/// must not go on before the entries are gone.
pub async fn write_always<R, const K: u8>(
    shape: Shape<R, K>,
    writer: Writer,
    body: impl Future<Output = R>,
) -> R {
    let _ = shape;
    let begun = Begun {
        writer: Some(writer),
        unknown: Some(|_: &mut Writer| {}),
    };
    let returned = body.await;
    if let Some(writer) = &begun.writer {
        writer.run().await;
    }
    begun.done();
    returned
}

/// Runs `body` and removes what `writer` says and what `known` adds once the returned value is known; `unknown` adds
/// what is removed if it never is.
pub async fn write_with<R, const K: u8>(
    shape: Shape<R, K>,
    writer: Writer,
    body: impl Future<Output = R>,
    known: impl FnOnce(&mut Writer, &R::Value),
    unknown: impl FnOnce(&mut Writer),
) -> R
where
    R: Output<K>,
{
    let _ = shape;
    if writer.when == When::Before {
        writer.run().await;
        return body.await;
    }
    let mut begun = Begun {
        writer: Some(writer),
        unknown: Some(unknown),
    };
    let loaded = match body.await.split() {
        Ok(loaded) => loaded,
        Err((error, rebuild)) => {
            begun.done();
            return rebuild(error);
        }
    };
    if let Some(writer) = &mut begun.writer {
        if let Loaded::Value(value) = &loaded {
            known(writer, value);
        }
        // Not before: making a key of the value may panic.
        begun.unknown = None;
        writer.run().await;
    }
    begun.done();
    loaded.returned()
}

//! What `#[invalidate]` expands into: a body, and what to remove once it has run.
//!
//! A writer that is dropped or panics after its body has begun still removes, in the background: nobody knows what it
//! had committed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::runtime::Handle;

use crate::background::Background;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::caches::registry::Site;
use crate::call::output::{Loaded, Output, Shape};
use crate::call::probe_of;
use crate::handles::{Cache, Entry};
use crate::key::KeyBytes;

/// When the entries are removed, as seen from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After it, unless it returned an error.
    After,
    /// Before it.
    Before,
    /// After it, error or not.
    Always,
}

enum Target {
    Entry(Arc<Function>, KeyBytes),
    Cache(Caches, &'static Site),
    Key(Caches, String),
    Pattern(Caches, String),
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
        let (caches, site) = cache.parts();
        self.targets.push(Target::Cache(caches.clone(), site));
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

    async fn run(&self) {
        for target in &self.targets {
            let outcome = match target {
                Target::Entry(function, key) => {
                    super::entry(function, probe_of(key)).await;
                    Ok(())
                }
                Target::Cache(caches, site) => {
                    super::cache(&caches.functions_of(site).collect::<Vec<_>>()).await
                }
                Target::Key(caches, text) => {
                    super::by_text(caches, text).await;
                    Ok(())
                }
                Target::Pattern(caches, glob) => super::by_pattern(caches, glob).await.map(drop),
            };
            if let Err(error) = outcome {
                tracing::error!(%error, "an invalidation is not complete");
            }
        }
    }

    /// Removes without anybody waiting: from memory at once, from stores in the background.
    fn run_detached(self) {
        self.targets.iter().for_each(Target::revoke);
        let Some(background) = self.targets.first().map(Target::background).cloned() else {
            return;
        };
        if Handle::try_current().is_ok() {
            background.spawn(async move { self.run().await });
        } else {
            // No store can be asked here, so nothing is awaited: each queues its removal.
            let run = pin!(self.run());
            let _ = run.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Target {
    fn revoke(&self) {
        match self {
            Self::Entry(function, key) => super::revoke(function, probe_of(key)),
            Self::Cache(caches, site) => caches
                .functions_of(site)
                .for_each(|function| super::revoke_all(&function)),
            Self::Key(caches, text) => super::revoke_text(caches, text),
            Self::Pattern(caches, glob) => drop(super::revoke_pattern(caches, glob)),
        }
    }

    fn background(&self) -> &Background {
        match self {
            Self::Entry(function, _) => &function.background,
            Self::Cache(caches, _) | Self::Key(caches, _) | Self::Pattern(caches, _) => caches.background(),
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
    let when = writer.when;
    if when == When::Before {
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
            if when == When::Always {
                drop(begun);
            } else {
                begun.done();
            }
            return rebuild(error);
        }
    };
    begun.unknown = None;
    if let Some(writer) = &mut begun.writer {
        if let Loaded::Value(value) = &loaded {
            known(writer, value);
        }
        writer.run().await;
    }
    begun.done();
    loaded.returned()
}

//! What `#[invalidate]` and `#[update]` expand into: a body, and what to remove or to put once it has run.
//!
//! What is pending under `write_behind` of an entry that is to be removed is run first, before the body where the key is known
//! by then: the body would be undone by it otherwise. And after it, if anything has come meanwhile: the source is asked next,
//! and must have it.
//!
//! A writer that is dropped or panics after its body has begun still removes, without waiting for the stores: nobody
//! knows what it had committed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::each::Updates;
use super::target::Target;
use super::update::{StoredAs, Update, Updated};
use crate::behind::{self, Ahead, WrittenAtOnce};
use crate::caches::Caches;
use crate::call::output::{Loaded, Output, Shape};
use crate::handles::{Cache, Entry};
use crate::hooks::CacheValue;
use crate::key::KeyBytes;
use crate::resilience::Failed;
use crate::tier::stamps::Moment;
use crate::together::all;

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

/// What is to be removed or put, and when.
pub struct Writer {
    when: When,
    targets: Vec<Target>,
    /// From before the body.
    pub(super) made: Moment,
}

impl Writer {
    /// Removes nothing yet.
    pub fn new(when: When) -> Self {
        Self {
            when,
            targets: Vec::new(),
            made: Moment::now(),
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

    /// One entry, to be given a value later on; without one it is removed.
    pub fn update<E: WrittenAtOnce>(&mut self, entry: &E) -> Updated<E::Value> {
        self.update_any(entry.entry())
    }

    pub(crate) fn update_any<V>(&mut self, entry: &Entry<V>) -> Updated<V> {
        self.add_update(Update::of(entry), entry)
    }

    /// The same of an entry that is known only now that the body has run.
    pub fn update_late<E: WrittenAtOnce>(&mut self, entry: &E) -> Updated<E::Value> {
        self.add_update(Update::late(entry.entry(), self.made), entry.entry())
    }

    /// The same of an entry that is given what the body returns, be it that there is no value.
    pub fn update_returned<E: WrittenAtOnce>(&mut self, entry: &E) -> Updated<E::Value> {
        self.add_update(Update::absent(entry.entry()), entry.entry())
    }

    fn add_update<V>(&mut self, update: Update, entry: &Entry<V>) -> Updated<V> {
        let updated = Updated::new(self.targets.len(), entry.ways());
        self.targets.push(Target::Update(Box::new(update)));
        updated
    }

    pub(super) fn count(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn add_updates(&mut self, updates: Updates) {
        self.targets.push(Target::Updates(Box::new(updates)));
    }

    pub(super) fn updates(&mut self, target: usize) -> Option<&mut Updates> {
        match self.targets.get_mut(target) {
            Some(Target::Updates(updates)) => Some(updates),
            _ => None,
        }
    }

    fn updated<V>(&mut self, updated: Updated<V>) -> Option<&mut Update> {
        match self.targets.get_mut(updated.index) {
            Some(Target::Update(update)) => Some(update),
            _ => None,
        }
    }

    /// Whether the entry's strategy has a use for the value.
    pub fn wants<V>(&mut self, updated: Updated<V>) -> bool {
        self.updated(updated).is_some_and(|update| update.wants())
    }

    /// The entry's new value.
    pub fn set<V: CacheValue>(&mut self, updated: Updated<V>, value: V) {
        if let Some(update) = self.updated(updated) {
            update.set(value, updated.ways);
        }
    }

    /// The same of what the body has returned.
    pub fn set_returned<V: CacheValue>(&mut self, updated: Updated<V>, value: &impl StoredAs<V>) {
        if self.wants(updated) {
            self.set(updated, value.stored());
        }
    }

    /// What is pending of entries that are to be removed.
    fn ahead(&self) -> Option<Ahead> {
        behind::ahead(|ahead| self.targets.iter().for_each(|target| target.wait_for(ahead)))
    }

    /// What has to be done before the body is polled. What is pending comes first, or it would come after the removal.
    async fn begin(&mut self) {
        if let Some(ahead) = self.ahead() {
            ahead.run_before().await;
        }
        match &mut *self.targets {
            [target] => target.begin().await,
            targets => _ = all(targets.iter_mut().map(Target::begin).map(Box::pin).collect()).await,
        }
    }

    /// Whether there is any of that.
    fn has_to_begin(&self) -> bool {
        let updates = |target: &Target| matches!(target, Target::Update(_) | Target::Updates(_));
        behind::any() || self.targets.iter().any(updates)
    }

    async fn run(&mut self) {
        if let Some(ahead) = self.ahead() {
            Box::pin(ahead.run()).await;
        }
        self.end().await;
    }

    async fn end(&mut self) {
        let mut failed = Failed::default();
        self.targets.iter().for_each(|target| target.note(&mut failed));
        // In their order: one that is loaded from another would be loaded from what is still there of that.
        for target in &mut self.targets {
            target.end(&mut failed).await;
        }
    }

    /// Removes without anybody waiting: from memory at once, from stores by a removal that is queued.
    fn run_detached(&self) {
        // Nobody waits for it.
        drop(self.ahead());
        for target in &self.targets {
            // Begun and dropped midway, which queues what is left of it.
            let _ = pin!(target.remove(&mut Failed::default())).poll(&mut Context::from_waker(Waker::noop()));
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

/// Runs `body` and does what `writer` says.
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
    mut writer: Writer,
    body: impl Future<Output = R>,
) -> R {
    let _ = shape;
    if writer.has_to_begin() {
        Box::pin(writer.begin()).await;
    }
    let mut begun = Begun {
        writer: Some(writer),
        unknown: Some(|_: &mut Writer| {}),
    };
    let returned = body.await;
    if let Some(writer) = &mut begun.writer {
        writer.run().await;
    }
    begun.done();
    returned
}

/// Runs `body` and does what `writer` says and what `known` adds once the returned value is known; `unknown` adds what
/// is removed if it never is.
pub async fn write_with<R, const K: u8>(
    shape: Shape<R, K>,
    mut writer: Writer,
    body: impl Future<Output = R>,
    known: impl FnOnce(&mut Writer, &R::Value),
    unknown: impl FnOnce(&mut Writer),
) -> R
where
    R: Output<K>,
{
    let _ = shape;
    if writer.when == When::Before {
        // Dropped meanwhile it has done nothing, and so overrules nothing.
        if let Some(ahead) = writer.ahead() {
            Box::pin(ahead.run_first()).await;
        }
        writer.end().await;
        return body.await;
    }
    if writer.has_to_begin() {
        Box::pin(writer.begin()).await;
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

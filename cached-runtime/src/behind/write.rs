//! The typed side of a write, as the expansion calls it.

use std::any::TypeId;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::gather::{Job, Together};
use super::queue::Behind;
use super::run;
use super::state::{Offer, SettingsOf, WriterId};
use crate::background::has_timers;
use crate::caches::context;
use crate::caches::function::Function;
use crate::call::output::{Output, Shape};
use crate::call::probe_of;
use crate::entry::Content;
use crate::fill::Put;
use crate::handles::Entry;
use crate::hooks::{CacheValue, Held, NeverHeld, NoType};
use crate::invalidate::{self, When, Writer};
use crate::key::KeyBytes;
use crate::resilience::Failed;

/// What a writing function is set to, in a `static` of its own in the expansion, by which the function is known; or the writers
/// of a cache's entries.
pub struct Settings {
    /// Its name.
    pub function: &'static str,
    /// How many of its writes may be pending.
    pub queue: usize,
    /// How often a run that failed is repeated.
    pub retries: u32,
    /// How many bodies may run at a time.
    pub concurrency: usize,
    /// Of a writer of items.
    pub together: Option<Together>,
}

impl Settings {
    /// Of writers that are closures, where nothing else is said.
    pub(crate) const OF_ENTRIES: Self = Self {
        function: "Entry::write_behind",
        queue: 10_000,
        retries: 5,
        concurrency: 16,
        together: None,
    };
}

/// Who writes.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Function(&'static Settings),
    /// One of the writers of a cache's entries, of this type.
    Closure(TypeId),
}

/// What a writing function can return before its body has run.
#[diagnostic::on_unimplemented(
    message = "a writer under `strategy = \"write_behind\"` returns before its body has run, so it cannot return a `{Self}`",
    label = "known only once the body has run",
    note = "return `()` or `Result<(), E>`; an error of a later run goes to `CachesBuilder::on_failed_write`"
)]
pub trait Done: Sized {
    /// The write is accepted.
    fn done() -> Self;
}

impl Done for () {
    fn done() -> Self {}
}

impl<E> Done for Result<(), E> {
    fn done() -> Self {
        Ok(())
    }
}

/// A return type that says no more than that a write is accepted.
pub struct Returned<R, const K: u8> {
    pub(super) shape: Shape<R, K>,
    pub(super) done: fn() -> R,
}

/// Of a writing function. Apart from the write itself, so that it is reported once, and where it is returned.
pub fn returned<R: Done, const K: u8>(shape: Shape<R, K>) -> Returned<R, K> {
    Returned { shape, done: R::done }
}

/// An argument that was handed over, of which every run of a body can have one for itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken along by runs in the background that may be repeated: it cannot be copied",
    label = "each run has one of its own",
    note = "derive `Clone` for it, or take an `Arc` of it",
    note = "it must be `Send + 'static` too; demand `Clone + Send + Sync + 'static` of a type parameter"
)]
pub trait Repeated<H> {
    /// A copy.
    #[must_use]
    fn repeated(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Repeated<Held> for T {
    fn repeated(&self) -> Self {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T: NoType + Clone> Repeated<NeverHeld> for T {
    fn repeated(&self) -> Self {
        self.clone()
    }
}

/// A copy of an argument, for one run.
pub fn repeated<T: Repeated<H>, H>(argument: &T) -> T {
    argument.repeated()
}

/// Gives `entry` its new value and has `body` run for it later. Where that cannot be, outside of a runtime with timers and
/// after a shutdown, the body is run first, and what it returns is returned; unless an older write of the entry is pending.
pub fn write_behind<V, R, B, const K: u8>(
    returned: Returned<R, K>,
    entry: Entry<V>,
    value: V,
    settings: &'static Settings,
    told: fn(&R::Error) -> String,
    body: impl FnMut() -> B + Send + 'static,
) -> impl Future<Output = R>
where
    V: CacheValue,
    R: Output<K, Error: 'static>,
    B: Future<Output = R> + Send + 'static,
{
    write_behind_by(By::Function(settings), returned, entry, value, told, body)
}

/// The same by whoever it is.
pub(crate) async fn write_behind_by<V, R, B, const K: u8>(
    by: By,
    returned: Returned<R, K>,
    entry: Entry<V>,
    value: V,
    told: fn(&R::Error) -> String,
    mut body: impl FnMut() -> B + Send + 'static,
) -> R
where
    V: CacheValue,
    R: Output<K, Error: 'static>,
    B: Future<Output = R> + Send + 'static,
{
    let (function, key) = entry.parts();
    // What is pending of this entry was written before, and has to run before.
    let later = |behind: &&Behind| entry.is_open() && has_timers() || behind.has(key.as_bytes());
    let Some(behind) = function.behind.as_ref().filter(later) else {
        let mut writer = Writer::new(When::After);
        let updated = writer.update_any(&entry);
        writer.set(updated, value);
        return invalidate::write(returned.shape, writer, body()).await;
    };
    let (function, key) = (Arc::clone(function), KeyBytes::from(key.as_bytes()));
    let plan = function.plan(Some(&value));
    let content = Content::Value((entry.ways()().share)(value));
    let carrier = context::carrier();
    let offer = Box::new(Offer {
        key: key.clone(),
        content: content.clone(),
        plan,
        writer: match by {
            By::Function(settings) => WriterId {
                settings: SettingsOf::Function(settings),
                by: None,
            },
            By::Closure(closure) => WriterId {
                settings: SettingsOf::Cache(Arc::clone(&behind.writers)),
                by: Some(closure),
            },
        },
        job: Job::Alone(Box::new(move || {
            let run = body();
            Box::pin(carrier.carry(async move {
                let outcome = run.await.split();
                outcome.map(drop).map_err(|(error, _)| told(&error))
            }))
        })),
    });
    let probe = probe_of(&key);
    // In the order of the queue: whoever is accepted or removes later finds that this one has been overtaken, or is.
    let mark = || function.stamps.moved_on(probe.hash);
    let stamp = behind.accept(offer, || run::ensure(&function), mark).await;
    let put = Unput::new(&function, std::slice::from_ref(&key));
    run::ensure(&function);
    match plan {
        Some(plan) => {
            let begun = Put::since(&function, probe, stamp).await;
            // A store that does not take it has the entry removed.
            let _ = begun.end(content, plan, &mut Failed::default()).await;
        }
        None => invalidate::remove(&function, probe, &mut Failed::default()).await,
    }
    put.done();
    (returned.done)()
}

/// Entries whose new values are on their way into the tiers. Where whoever puts them is dropped or panics there, what the
/// tiers have is removed.
pub(super) struct Unput<'a> {
    function: &'a Function,
    keys: &'a [KeyBytes],
}

impl<'a> Unput<'a> {
    pub(super) fn new(function: &'a Function, keys: &'a [KeyBytes]) -> Self {
        Self { function, keys }
    }

    pub(super) fn done(mut self) {
        self.keys = &[];
    }
}

impl Drop for Unput<'_> {
    fn drop(&mut self) {
        // Begun and dropped midway, which queues what is left of it.
        let mut failed = Failed::default();
        let removal = pin!(invalidate::several(self.function, self.keys, &mut failed));
        let _ = removal.poll(&mut Context::from_waker(Waker::noop()));
    }
}

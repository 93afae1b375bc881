//! What `#[update]` adds to a writer: an entry that is given a new value, or removed, as its strategy has it.

use std::sync::Arc;

use crate::caches::function::{Function, Plan};
use crate::call::probe_of;
use crate::call::values::Ways;
use crate::entry::Content;
use crate::fill::{End, Put};
use crate::handles::Entry;
use crate::hooks::CacheValue;
use crate::key::KeyBytes;
use crate::policy::Strategy;
use crate::resilience::Failed;
use crate::tier::stamps::Moment;

/// An update of a writer, with the type of its values.
pub struct Updated<V> {
    pub(super) index: usize,
    pub(super) ways: fn() -> Ways<V>,
}

impl<V> Updated<V> {
    pub(super) fn new(index: usize, ways: fn() -> Ways<V>) -> Self {
        Self { index, ways }
    }
}

impl<V> Clone for Updated<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Updated<V> {}

/// What a writer returns, as the value of a cached function.
#[diagnostic::on_unimplemented(
    message = "`#[update]` stores what this function returns, a `{Self}`, and the function that it names keeps `{V}`",
    label = "returned here",
    note = "say what is to be stored, from arguments or from `output`, the returned value: `#[update(get_user(id) = output.user.clone())]`"
)]
pub trait StoredAs<V> {
    /// A copy.
    fn stored(&self) -> V;
}

#[diagnostic::do_not_recommend]
impl<V: Clone> StoredAs<V> for V {
    fn stored(&self) -> V {
        self.clone()
    }
}

/// Makes what is kept of a value.
pub(super) type Make = Box<dyn FnOnce(&Function) -> (Content, Option<Plan>) + Send + Sync>;

/// Whether the strategy of a function has a use for new values.
pub(super) fn wants(function: &Function) -> bool {
    let puts = [Strategy::WriteThrough, Strategy::WriteBehind];
    puts.contains(&function.spec.strategy) && !function.disabled
}

pub(super) fn maker<V: CacheValue>(value: V, ways: fn() -> Ways<V>) -> Make {
    Box::new(move |function| {
        let plan = function.plan(Some(&value));
        (Content::Value((ways().share)(value)), plan)
    })
}

/// What becomes of entries that have new values or none.
pub(super) fn ends(function: &Function, new: Vec<Option<Make>>) -> Vec<End> {
    let end = |new: Option<Make>| match new.map(|make| make(function)) {
        Some((content, Some(plan))) => End::Put(content, plan),
        _ => End::Remove,
    };
    new.into_iter().map(end).collect()
}

/// What the entry is to have.
enum New {
    /// Something, but nobody said what.
    Unknown,
    /// The source's word that there is no value.
    Absent,
    /// As it is kept, and for how long: asked for once the source has it, from when on its life is counted.
    Value(Make),
}

/// One entry under `#[update]`.
pub(super) struct Update {
    function: Arc<Function>,
    key: KeyBytes,
    new: New,
    /// From before the body, where its strategy puts.
    put: Option<Put>,
}

impl Update {
    pub(super) fn of<V>(entry: &Entry<V>) -> Self {
        let (function, key) = entry.parts();
        Self {
            function: Arc::clone(function),
            key: KeyBytes::from(key.as_bytes()),
            new: New::Unknown,
            put: None,
        }
    }

    pub(super) fn absent<V>(entry: &Entry<V>) -> Self {
        Self {
            new: New::Absent,
            ..Self::of(entry)
        }
    }

    pub(super) fn late<V>(entry: &Entry<V>, moment: Moment) -> Self {
        let mut update = Self::of(entry);
        if update.wants() {
            update.put = Some(Put::begun(&update.function, probe_of(&update.key), moment));
        }
        update
    }

    pub(super) fn wants(&self) -> bool {
        wants(&self.function)
    }

    pub(super) fn set<V: CacheValue>(&mut self, value: V, ways: fn() -> Ways<V>) {
        self.new = New::Value(maker(value, ways));
    }

    pub(super) async fn begin(&mut self) {
        if self.wants() && self.put.is_none() {
            self.put = Some(Put::begin(&self.function, probe_of(&self.key)).await);
        }
    }

    /// Notes the stores that have failed so far.
    pub(super) fn note(&self, failed: &mut Failed) {
        if let Some(put) = &self.put {
            put.note(failed);
        }
    }

    /// Dropped midway, the entry is still to be removed.
    pub(super) async fn end(&mut self, failed: &mut Failed) {
        let (content, plan) = match std::mem::replace(&mut self.new, New::Unknown) {
            New::Unknown => (Content::Absent, None),
            New::Absent => (Content::Absent, self.function.plan(None)),
            New::Value(made) => made(&self.function),
        };
        if let (Some(put), Some(plan)) = (self.put.take(), plan) {
            // What has no bytes, and what a store does not take, is told where that is met.
            let _ = put.end(content, plan, failed).await;
            return;
        }
        self.remove(failed).await;
    }

    pub(super) async fn remove(&self, failed: &mut Failed) {
        super::remove(&self.function, probe_of(&self.key), failed).await;
    }
}

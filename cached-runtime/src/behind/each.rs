//! The typed side of the write of a list, as the expansion calls it: each item is a write of its own, and a body is run for
//! items of several calls.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use super::gather::{Call, Job};
use super::queue::Behind;
use super::run;
use super::state::{Offer, SettingsOf, WriterId, Written};
use super::write::{Returned, Settings, Unput};
use crate::background::has_timers;
use crate::caches::context;
use crate::caches::function::Function;
use crate::call::many::Ids;
use crate::call::output::Output;
use crate::call::probe_of;
use crate::call::values::Ways;
use crate::entry::Content;
use crate::fill::{End, Puts};
use crate::handles::Entry;
use crate::hooks::CacheValue;
use crate::invalidate::{self, Each, When, Writer};
use crate::key::KeyBytes;
use crate::resilience::{Failed, TOGETHER};
use crate::tier::stamps::Stamp;

/// A list of which every run of a body can have a part for itself.
#[diagnostic::on_unimplemented(
    message = "a writer under `write_behind` cannot take its items as `{Self}`",
    label = "one run of the body gets the items of several calls, in a list of the same type",
    note = "take `&[T]`, `Vec<T>`, `&Vec<T>`, a `VecDeque`, a `HashSet` or a `BTreeSet`, of items that are `Clone + Send + 'static`"
)]
pub trait Gathered<T, S> {
    /// All of them, in their order.
    fn all(&self) -> Vec<&T>;
    /// A list of these.
    fn some(items: Vec<T>) -> S;
    /// One more of this one.
    fn copy(item: &T) -> T;
    /// The same, as a queue keeps it.
    fn keep(item: &T) -> Box<dyn Any + Send>;
    /// A copy of one that was kept.
    fn kept(item: &(dyn Any + Send)) -> Option<T>;
}

#[diagnostic::do_not_recommend]
impl<I: Ids<T, S> + ?Sized, T: Send + 'static, S> Gathered<T, S> for I {
    fn all(&self) -> Vec<&T> {
        Ids::all(self)
    }

    fn some(items: Vec<T>) -> S {
        I::some(items)
    }

    fn copy(item: &T) -> T {
        I::copy(item)
    }

    fn keep(item: &T) -> Box<dyn Any + Send> {
        Box::new(I::copy(item))
    }

    fn kept(item: &(dyn Any + Send)) -> Option<T> {
        item.downcast_ref().map(I::copy)
    }
}

/// What a writer does with its items: `T` is one of them, `S` a list of some.
pub struct Gather<I: ?Sized, T, S> {
    all: for<'i> fn(&'i I) -> Vec<&'i T>,
    list: List<T, S>,
}

struct List<T, S> {
    some: fn(Vec<T>) -> S,
    copy: fn(&T) -> T,
    keep: fn(&T) -> Box<dyn Any + Send>,
    kept: fn(&(dyn Any + Send)) -> Option<T>,
}

/// The one place that asks whether the items are in a list that a writer can take.
pub fn gathered<I: Gathered<T, S> + ?Sized, T, S>(_: &I) -> Gather<I, T, S> {
    Gather {
        all: I::all,
        list: List {
            some: I::some,
            copy: I::copy,
            keep: I::keep,
            kept: I::kept,
        },
    }
}

/// The items of a writer, with their entries.
pub struct Entries<'t, T, S, V> {
    all: Vec<&'t T>,
    each: Each<'t, T, V>,
    list: List<T, S>,
    /// Their caches are.
    open: bool,
}

/// The entries that a writer under `write_behind` has named.
pub fn entries<'t, I: ?Sized, T, S, V>(
    items: &'t I,
    gather: Gather<I, T, S>,
    mut entry: impl FnMut(&'t T) -> Entry<V>,
) -> Entries<'t, T, S, V> {
    let all = (gather.all)(items);
    let mut open = true;
    let each = Each::of(all.clone(), |item| {
        let entry = entry(item);
        open &= entry.is_open();
        invalidate::place(&entry)
    });
    Entries {
        all,
        each,
        list: gather.list,
        open,
    }
}

/// What is written: each entry once, with its item and its new value.
pub struct Writes<T, S, V> {
    groups: Vec<(Arc<Function>, Vec<KeyBytes>)>,
    /// Each with its group and the place of its key in there.
    items: Vec<(Box<dyn Any + Send>, V, usize, usize)>,
    ways: Option<fn() -> Ways<V>>,
    list: List<T, S>,
    /// All items, where the body cannot run later.
    now: Option<S>,
}

impl<'t, T, S, V> Entries<'t, T, S, V> {
    /// With the new values. What is copied of an item is what the body gets.
    pub fn with(self, mut value: impl FnMut(&'t T) -> V) -> Writes<T, S, V> {
        let Each { groups, items, ways } = self.each;
        let is_pending = |(function, keys): &(Arc<Function>, Vec<KeyBytes>)| {
            let behind = function.behind.as_ref();
            behind.is_some_and(|behind| keys.iter().any(|key| behind.has(key)))
        };
        // What is pending of an entry was written before, and has to run before.
        let later = groups.iter().all(|(function, _)| function.behind.is_some())
            && (self.open && has_timers() || groups.iter().any(is_pending));
        let List { some, copy, keep, .. } = self.list;
        let items = items.into_iter().map(|(item, group, place)| {
            let kept: Box<dyn Any + Send> = if later { keep(item) } else { Box::new(()) };
            (kept, value(item), group, place)
        });
        Writes {
            groups,
            items: items.collect(),
            ways,
            list: self.list,
            now: (!later).then(|| some(self.all.into_iter().map(copy).collect())),
        }
    }
}

/// Gives the entries their new values and has `body` run for their items later, with those of other calls. Where that cannot
/// be, outside of a runtime with timers and after a shutdown, the body is run first, and what it returns is returned; unless
/// an older write of one of the entries is pending.
pub async fn write_behind_each<V, R, T, S, B, const K: u8>(
    returned: Returned<R, K>,
    writes: Writes<T, S, V>,
    settings: &'static Settings,
    told: fn(&R::Error) -> String,
    mut body: impl FnMut(S) -> B + Send + 'static,
) -> R
where
    V: CacheValue,
    R: Output<K, Error: 'static>,
    T: 'static,
    S: 'static,
    B: Future<Output = R> + Send + 'static,
{
    let Writes {
        groups,
        items,
        ways,
        list: List { some, kept, .. },
        now,
    } = writes;
    let Some(ways) = ways else {
        return (returned.done)();
    };
    if let Some(all) = now {
        let mut writer = Writer::new(When::After);
        let first = writer.add_groups(groups, None);
        for (_, value, group, place) in items {
            writer.set_placed(first + group, place, value, ways);
        }
        return invalidate::write(returned.shape, writer, body(all)).await;
    }
    let carrier = context::carrier();
    // Of two instantiations of one function, neither runs the items of the other.
    let by = Some(TypeId::of::<B>());
    let settings = SettingsOf::Function(settings);
    let writer = WriterId { settings, by };
    let call = Call::new(Box::new(move |items| {
        let items = items.iter().filter_map(|item| kept(*item));
        let run = body(some(items.collect()));
        Box::pin(carrier.carry(async move {
            let outcome = run.await.split();
            outcome.map(drop).map_err(|(error, _)| told(&error))
        }))
    }));
    let mut offers: Vec<Vec<Offer>> = groups.iter().map(|_| Vec::new()).collect();
    for (item, value, group, place) in items {
        let (function, keys) = &groups[group];
        let plan = function.plan(Some(&value));
        let call = Arc::clone(&call);
        offers[group].push(Offer {
            key: keys[place].clone(),
            content: Content::Value((ways().share)(value)),
            plan,
            writer: writer.clone(),
            job: Job::Item { item, call },
        });
    }
    for ((function, _), offers) in groups.iter().zip(offers) {
        write(function, offers).await;
    }
    (returned.done)()
}

/// Has writes accepted, and puts their values into the tiers: as many at a time as there is room for.
async fn write(function: &Arc<Function>, offers: Vec<Offer>) {
    let Some(behind) = &function.behind else { return };
    let mut offers = offers.into_iter();
    let mut next = offers.next();
    while let Some(first) = next {
        let (mut keys, mut ends, mut stamps) = (Vec::new(), Vec::new(), Vec::new());
        let mut note = |(key, content, plan): Written, stamp| {
            stamps.push(stamp);
            keys.push(key);
            ends.push(plan.map_or(End::Remove, |plan| End::Put(content, plan)));
        };
        let mut marks = Marks::new(function);
        let (written, hash) = (first.written(), probe_of(&first.key).hash);
        let stamp = behind
            .accept(Box::new(first), || run::ensure(function), || marks.mark(hash))
            .await;
        note(written, stamp);
        next = offers.next();
        for _ in 1..TOGETHER {
            let Some(offer) = next else { break };
            let (written, hash) = (offer.written(), probe_of(&offer.key).hash);
            match behind.try_accept(Box::new(offer), || marks.mark(hash)) {
                Ok(stamp) => note(written, stamp),
                Err(offer) => {
                    next = Some(*offer);
                    break;
                }
            }
            next = offers.next();
        }
        let held = Held {
            function,
            behind,
            keys: &keys,
        };
        let unput = Unput::new(function, &keys);
        let puts = Puts::since(function, keys.clone(), stamps).await;
        // A store that does not take it has the entry removed.
        puts.end(ends, &mut Failed::default()).await;
        unput.done();
        drop(held);
    }
}

/// The stamps of entries as they are accepted, one after the other. Those that share one share it here too, unless a stranger
/// has moved it on between them: or each put would take the one before it for a stranger.
struct Marks<'a> {
    function: &'a Function,
    made: HashMap<usize, Stamp>,
}

impl<'a> Marks<'a> {
    fn new(function: &'a Function) -> Self {
        let made = HashMap::new();
        Self { function, made }
    }

    fn mark(&mut self, hash: u64) -> Stamp {
        let stamps = &self.function.stamps;
        let place = stamps.place(hash);
        let unmoved = self.made.get(&place).filter(|made| **made == stamps.now(hash));
        let stamp = unmoved.copied().unwrap_or_else(|| stamps.moved_on(hash));
        self.made.insert(place, stamp);
        stamp
    }
}

/// Writes that run once their values are in the tiers, or their writer is gone.
struct Held<'a> {
    function: &'a Arc<Function>,
    behind: &'a Behind,
    keys: &'a [KeyBytes],
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.behind.let_go(self.keys);
        run::ensure(self.function);
    }
}

//! Invalidation: of an entry, of several, of a function's whole cache, by key text, by pattern, of everything.
//!
//! Always in this order, so that once it has returned nothing older is served or stored in this process:
//!
//! 1. Memory: move the stamps on, remove the records, detach the flights. From here on no load that is in progress
//!    can fill memory, and nobody joins one. The flights last: who leads one looks in memory first, so one that begins
//!    while the old record is there answers with it, and must not be left to be joined.
//! 2. The remote tiers, the lowest first. Each revokes its tokens with the removal.
//! 3. Memory again: between 1 and 2 somebody may have found the old entry in a remote tier and copied it up.

mod each;
mod target;
#[cfg(all(test, feature = "moka"))]
mod tests;
mod update;
mod writer;

use std::sync::Arc;

pub use self::each::UpdatedEach;
pub(crate) use self::each::{Each, place};
pub use self::update::{StoredAs, Updated};
pub use self::writer::{When, WholeCache, Writer, write, write_always, write_with};
use crate::Error;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::call::probe_of;
use crate::handles::Whole;
use crate::key::{Glob, KeyBytes};
use crate::resilience::{Failed, Guarded, Matching, TOGETHER, What};
use crate::store::BoxFuture;
use crate::tier::memory::Probe;

/// Step 1 for one entry: nothing loaded before is let into memory or waited for, and what is there goes.
pub(crate) fn revoke(function: &Function, probe: Probe<'_>) {
    function.stamps.advance(probe.hash);
    forget(function, probe);
}

/// The rest of step 1, once the stamp has been moved on.
pub(crate) fn forget(function: &Function, probe: Probe<'_>) {
    if let Some(memory) = &function.memory {
        memory.remove(probe);
    }
    function.has_another(probe, false);
    function.flights.detach(probe);
}

/// Steps 2 and 3.
async fn pass<'a>(
    stores: impl IntoIterator<Item = &'a Arc<Guarded>, IntoIter: Send>,
    what: What<'_>,
    memory: impl FnMut() + Send,
    failed: &mut Failed,
) -> Result<u64, Error> {
    let removals = stores.into_iter().map(|store| (store, what));
    pass_each(removals, memory, failed).await
}

/// The same where each store has several requests to answer.
async fn pass_each<'a, 'w>(
    removals: impl Iterator<Item = (&'a Arc<Guarded>, What<'w>)> + Send,
    memory: impl FnMut() + Send,
    failed: &mut Failed,
) -> Result<u64, Error> {
    let mut passage = Passage {
        left: removals,
        memory,
    };
    let mut outcome = Ok(0);
    for (store, what) in passage.left.by_ref() {
        match store.remove(what, failed).await {
            Ok(count) => outcome = outcome.map(|most: u64| most.max(count)),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// The way of an invalidation through the stores. Dropped midway, what is left of it is queued; however it ends, memory
/// is seen to once more.
struct Passage<'a, 'w, I: Iterator<Item = (&'a Arc<Guarded>, What<'w>)>, M: FnMut()> {
    left: I,
    memory: M,
}

impl<'a, 'w, I: Iterator<Item = (&'a Arc<Guarded>, What<'w>)>, M: FnMut()> Drop for Passage<'a, 'w, I, M> {
    fn drop(&mut self) {
        for (store, what) in self.left.by_ref() {
            // One that cannot be done is told to who waits for it; nobody does.
            let _ = store.queue(what);
        }
        (self.memory)();
    }
}

/// One entry of one function.
pub(crate) async fn remove(function: &Function, probe: Probe<'_>, failed: &mut Failed) {
    revoke(function, probe);
    if !function.remotes.is_empty() {
        remove_below(function, probe, || revoke(function, probe), failed).await;
    }
}

/// Step 2 alone, for an entry that memory is about to be given.
pub(crate) async fn below(function: &Function, probe: Probe<'_>, failed: &mut Failed) {
    remove_below(function, probe, || {}, failed).await;
}

async fn remove_below(
    function: &Function,
    probe: Probe<'_>,
    memory: impl FnMut() + Send,
    failed: &mut Failed,
) {
    let keys = [function.full_key(probe.bytes)];
    // Keys are what every store can remove.
    let _ = pass(function.upwards(), What::Keys(&keys), memory, failed).await;
}

/// Several entries of one function, in as few requests for each store as their number allows.
pub(crate) fn several<'a>(
    function: &'a Function,
    keys: &'a [KeyBytes],
    failed: &'a mut Failed,
) -> BoxFuture<'a, ()> {
    let again = || keys.iter().for_each(|key| revoke(function, probe_of(key)));
    Box::pin(async move {
        again();
        remove_several_below(function, keys, again, failed).await;
    })
}

/// Step 2 alone, as [`below`].
pub(crate) fn several_below<'a>(
    function: &'a Function,
    keys: &'a [KeyBytes],
    failed: &'a mut Failed,
) -> BoxFuture<'a, ()> {
    Box::pin(remove_several_below(function, keys, || {}, failed))
}

async fn remove_several_below(
    function: &Function,
    keys: &[KeyBytes],
    memory: impl FnMut() + Send,
    failed: &mut Failed,
) {
    if function.remotes.is_empty() || keys.is_empty() {
        return;
    }
    let keys: Vec<String> = keys.iter().map(|key| function.full_key(key)).collect();
    let removals: Vec<_> = function
        .upwards()
        .flat_map(|store| keys.chunks(TOGETHER).map(move |keys| (store, What::Keys(keys))))
        .collect();
    // Keys are what every store can remove.
    let _ = pass_each(removals.into_iter(), memory, failed).await;
}

/// Entries that are to go unless something else takes their place: dropped before that is known, they go from memory, and their
/// removal from the stores below is queued.
pub(crate) struct Doomed {
    function: Arc<Function>,
    keys: Vec<KeyBytes>,
}

impl Doomed {
    pub(crate) fn of(function: &Arc<Function>, keys: Vec<KeyBytes>) -> Self {
        let function = Arc::clone(function);
        Self { function, keys }
    }

    /// It is known, and seen to.
    pub(crate) fn settled(mut self) {
        self.keys.clear();
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let texts: Vec<String> = self.keys.iter().map(|key| self.function.full_key(key)).collect();
        for store in self.function.upwards() {
            // Keys are what every store can remove.
            let _ = store.queue(What::Keys(&texts));
        }
        // From here on nobody finds there what may have been copied up. All stamps first: what goes is the user's, and may panic.
        let probes = || self.keys.iter().map(|key| probe_of(key));
        probes().for_each(|probe| self.function.stamps.advance(probe.hash));
        probes().for_each(|probe| forget(&self.function, probe));
    }
}

/// From this store alone, which has not taken what is in the place of it everywhere else.
pub(crate) async fn from_store(store: &Arc<Guarded>, keys: &[String], failed: &mut Failed) {
    // Keys are what every store can remove.
    let _ = pass([store], What::Keys(keys), || {}, failed).await;
}

/// Step 1 for the entries of a function that `doomed` names.
fn revoke_if(function: &Function, doomed: impl Fn(&[u8]) -> bool) -> u64 {
    function.stamps.advance_all();
    let removed = function
        .memory
        .as_ref()
        .map_or(0, |memory| memory.remove_if(&doomed));
    function.have_others(&doomed);
    function.flights.detach_if(doomed);
    removed
}

fn revoke_all(function: &Function) {
    function.stamps.advance_all();
    if let Some(memory) = &function.memory {
        memory.clear();
    }
    function.have_others(|_| true);
    function.flights.detach_if(|_| true);
}

/// Every entry of one function, all its instantiations included.
pub(crate) async fn cache(whole: &Whole, failed: &mut Failed) -> Result<(), Error> {
    // Looked for anew each time, for there may be new ones.
    let revoke = || whole.functions().iter().for_each(|function| revoke_all(function));
    revoke();
    let function = whole.any();
    if function.remotes.is_empty() {
        return Ok(());
    }
    let matching = function.matching_all();
    let passed = pass(function.upwards(), What::Pattern(&matching), revoke, failed).await;
    passed.map(drop)
}

/// The entries of one function whose key text matches `glob`; how many there were.
pub(crate) async fn cache_pattern(whole: &Whole, glob: &str) -> Result<u64, Error> {
    let matcher = Glob::new(glob);
    let revoke = || -> u64 {
        let functions = whole.functions();
        let removed = functions
            .iter()
            .map(|function| revoke_if(function, |key| matcher.matches(&function.text(key))));
        removed.sum()
    };
    let removed = revoke();
    let function = whole.any();
    if function.remotes.is_empty() {
        return Ok(removed);
    }
    let matching = function.matching(glob);
    let again = || _ = revoke();
    let mut failed = Failed::default();
    let passed = pass(function.upwards(), What::Pattern(&matching), again, &mut failed).await;
    passed.map(|count| removed.max(count))
}

/// The entry whose key is `text`, whichever function owns it.
pub(crate) async fn by_text(caches: &Caches, text: &str, failed: &mut Failed) {
    let revoke = || revoke_text(caches, text);
    revoke();
    let stores = caches.upwards();
    if !stores.is_empty() {
        let keys = [format!("{}{text}", caches.prefix())];
        // Keys are what every store can remove.
        let _ = pass(&*stores, What::Keys(&keys), revoke, failed).await;
    }
}

fn revoke_text(caches: &Caches, text: &str) {
    for function in caches.functions() {
        if let Some(bytes) = function.template.parse(text) {
            revoke(&function, probe_of(&bytes));
        }
    }
}

/// Every entry whose key matches `glob`, whichever function owns it; how many there were. Where that cannot be done
/// exactly, `more` says whether to remove more rather than to refuse.
pub(crate) async fn by_pattern(
    caches: &Caches,
    glob: &str,
    more: bool,
    failed: &mut Failed,
) -> Result<u64, Error> {
    let matcher = Glob::new(glob);
    // What is under way in other functions is let be. Looked for anew each time, for there may be new ones.
    let meant = || caches.functions().filter(|function| function.may_have(&matcher));
    let revoke = || -> u64 {
        meant()
            .map(|function| revoke_if(&function, |key| matcher.matches(&function.text(key))))
            .sum()
    };
    let removed = revoke();
    let stores = caches.upwards();
    if stores.is_empty() {
        return Ok(removed);
    }
    let blind = caches.meant_without_patterns(&matcher);
    let matching = Matching {
        glob: format!("{}{glob}", caches.prefix()),
        test: None,
        // A store that keeps nothing of what is meant has nothing to remove, if it is known what is meant.
        generations: blind.filter(|blind| more || blind.is_empty()),
    };
    let passed = pass(&*stores, What::Pattern(&matching), || _ = revoke(), failed).await;
    passed.map(|count| removed.max(count))
}

/// Every entry of every function.
pub(crate) async fn everything(caches: &Caches) -> Result<(), Error> {
    let revoke = || caches.functions().for_each(|function| revoke_all(&function));
    revoke();
    let stores = caches.upwards();
    if stores.is_empty() {
        return Ok(());
    }
    pass(&*stores, What::Everything, revoke, &mut Failed::default())
        .await
        .map(drop)
}

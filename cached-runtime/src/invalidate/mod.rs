//! Invalidation: of an entry, of a function's whole cache, by key text, by pattern, of everything.
//!
//! Always in this order, so that once it has returned nothing older is served or stored in this process:
//!
//! 1. Memory: move the stamps on, detach the flights, remove the records. From here on no load that is in progress
//!    can fill memory.
//! 2. The remote tiers, the lowest first. Each revokes its tokens with the removal.
//! 3. Memory again: between 1 and 2 somebody may have found the old entry in a remote tier and copied it up.

mod writer;

use std::sync::Arc;

pub use self::writer::{When, Writer, write, write_with};
use crate::Error;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::call::probe_of;
use crate::key::Glob;
use crate::resilience::Matching;
use crate::tier::memory::Probe;

/// Step 1 for one entry: nothing loaded before is let into memory or waited for, and what is there goes.
pub(crate) fn revoke(function: &Function, probe: Probe<'_>) {
    function.stamps.advance(probe.hash);
    function.flights.detach(probe);
    if let Some(memory) = &function.memory {
        memory.remove(probe);
    }
}

pub(crate) async fn entry(function: &Function, probe: Probe<'_>) {
    revoke(function, probe);
    if function.remotes.is_empty() {
        return;
    }
    let key = function.full_key(probe.bytes);
    for remote in function.remotes.iter().rev() {
        remote.guarded.remove(vec![key.clone()]).await;
    }
    revoke(function, probe);
}

/// Step 1 for the entries of a function that `doomed` names.
fn revoke_if(function: &Function, doomed: impl Fn(&[u8]) -> bool) -> u64 {
    function.stamps.advance_all();
    function.flights.detach_if(&doomed);
    function
        .memory
        .as_ref()
        .map_or(0, |memory| memory.remove_if(&doomed))
}

fn revoke_all(function: &Function) {
    function.stamps.advance_all();
    function.flights.detach_if(|_| true);
    if let Some(memory) = &function.memory {
        memory.clear();
    }
}

/// Every entry of one function, all its instantiations included.
pub(crate) async fn cache(functions: &[Arc<Function>]) -> Result<(), Error> {
    functions.iter().for_each(|function| revoke_all(function));
    let mut outcome = Ok(());
    // The instantiations of a function have one template and one chain.
    if let Some(function) = functions.first() {
        let matching = function.matching(&function.template.glob());
        for remote in function.remotes.iter().rev() {
            if let Err(error) = remote.guarded.remove_matching(&matching).await {
                outcome = Err(error);
            }
        }
        if !function.remotes.is_empty() {
            functions.iter().for_each(|function| revoke_all(function));
        }
    }
    outcome
}

/// The entries of one function whose key text matches `glob`; how many there were.
pub(crate) async fn cache_pattern(functions: &[Arc<Function>], glob: &str) -> Result<u64, Error> {
    let matcher = Glob::new(glob);
    let revoke = || -> u64 {
        functions
            .iter()
            .map(|function| revoke_if(function, |key| matcher.matches(&function.text(key))))
            .sum()
    };
    let mut removed = revoke();
    let mut outcome = Ok(());
    if let Some(function) = functions.first() {
        let matching = function.matching(glob);
        for remote in function.remotes.iter().rev() {
            match remote.guarded.remove_matching(&matching).await {
                Ok(count) => removed = removed.max(count),
                Err(error) => outcome = Err(error),
            }
        }
        if !function.remotes.is_empty() {
            revoke();
        }
    }
    outcome.map(|()| removed)
}

/// The entry whose key is `text`, whichever function owns it.
pub(crate) async fn by_text(caches: &Caches, text: &str) {
    revoke_text(caches, text);
    let key = format!("{}{text}", caches.prefix());
    for store in caches.stores_bottom_up() {
        store.remove(vec![key.clone()]).await;
    }
    revoke_text(caches, text);
}

fn revoke_text(caches: &Caches, text: &str) {
    for function in caches.functions() {
        if let Some(bytes) = function.template.parse(text) {
            revoke(&function, probe_of(&bytes));
        }
    }
}

fn revoke_pattern(caches: &Caches, glob: &str) -> u64 {
    let glob = Glob::new(glob);
    caches
        .functions()
        .map(|function| revoke_if(&function, |key| glob.matches(&function.text(key))))
        .sum()
}

/// Every entry whose key matches `glob`, whichever function owns it; how many there were.
pub(crate) async fn by_pattern(caches: &Caches, glob: &str) -> Result<u64, Error> {
    let mut removed = revoke_pattern(caches, glob);
    let mut outcome = Ok(());
    let matching = Matching {
        glob: format!("{}{glob}", caches.prefix()),
        test: None,
    };
    for store in caches.stores_bottom_up() {
        match store.remove_matching(&matching).await {
            Ok(count) => removed = removed.max(count),
            Err(error) => outcome = Err(error),
        }
    }
    if !caches.stores_bottom_up().is_empty() {
        revoke_pattern(caches, glob);
    }
    outcome.map(|()| removed)
}

pub(crate) async fn everything(caches: &Caches) -> Result<(), Error> {
    caches.functions().for_each(|function| revoke_all(&function));
    let mut outcome = Ok(());
    for store in caches.stores_bottom_up() {
        if let Err(error) = store.remove_owned().await {
            outcome = Err(error);
        }
    }
    caches.functions().for_each(|function| revoke_all(&function));
    outcome
}

//! What removals wait for: the writes of their keys that are pending, which run at once.
//!
//! Called by whatever removes entries on behalf of the user, before it does. Or the write would come after the removal, in the
//! source as in the tiers, and what was removed would be there again. Not by what writes remove themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::attempt::is_inside;
use super::queue::{Behind, any};
use super::run::ensure;
use crate::background::has_timers;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::flight;
use crate::handles::Whole;
use crate::key::{Glob, KeyBytes};

/// Of some functions, what is pending of entries that are to be removed.
///
/// What has not run when this is dropped is overruled: it may be in the source already, and something newer too. What is
/// written meanwhile is neither waited for nor overruled, since it is newer than whatever the removal is about.
#[derive(Default)]
pub(crate) struct Ahead(Vec<Pending>);

/// Of one function.
struct Pending {
    function: Arc<Function>,
    keys: Vec<KeyBytes>,
    /// The number of the last write there was.
    last: u64,
}

impl Ahead {
    /// Of one entry.
    pub(crate) fn entry(&mut self, function: &Arc<Function>, key: &[u8]) {
        self.add(function, |behind| behind.now_of(KeyBytes::from(key)));
    }

    /// Of every entry of one function, all its instantiations included.
    pub(crate) fn cache(&mut self, whole: &Whole) {
        for function in whole.functions() {
            self.add(&function, |behind| behind.now(|_| true));
        }
    }

    /// Of the entries of one function whose key text matches.
    pub(crate) fn cache_pattern(&mut self, whole: &Whole, glob: &str) {
        let glob = Glob::new(glob);
        for function in whole.functions() {
            self.matching(&function, &glob);
        }
    }

    /// Of the entry whose key is `text`, whichever function owns it.
    pub(crate) fn text(&mut self, caches: &Caches, text: &str) {
        for function in caches.functions() {
            if let Some(key) = function.template.parse(text) {
                self.add(&function, |behind| behind.now_of(key));
            }
        }
    }

    /// Of every entry whose key matches.
    pub(crate) fn pattern(&mut self, caches: &Caches, glob: &str) {
        let glob = Glob::new(glob);
        for function in caches.functions() {
            self.matching(&function, &glob);
        }
    }

    /// Of every entry of every function.
    pub(crate) fn everything(&mut self, caches: &Caches) {
        for function in caches.functions() {
            self.add(&function, |behind| behind.now(|_| true));
        }
    }

    fn matching(&mut self, function: &Arc<Function>, glob: &Glob) {
        self.add(function, |behind| {
            behind.now(|key| glob.matches(&function.text(key)))
        });
    }

    fn add(&mut self, function: &Arc<Function>, now: impl FnOnce(&Behind) -> (Vec<KeyBytes>, u64)) {
        let Some(behind) = &function.behind else { return };
        let (keys, last) = now(behind);
        if !keys.is_empty() {
            let function = Arc::clone(function);
            self.0.push(Pending { function, keys, last });
        }
    }

    /// Returns once all of it has run, its retries included, and is in the source or has failed for good. Inside of the body
    /// of a queued write or of a load it returns at once: what is pending might wait for that.
    pub(crate) async fn run(mut self) {
        run(&mut self.0).await;
    }

    /// The same where nothing is removed if this is dropped: it then overrules nothing.
    pub(crate) async fn run_first(mut self) {
        let mut all = std::mem::take(&mut self.0);
        run(&mut all).await;
        drop(Self(all));
    }

    /// The same before it is known whether anything is removed: nothing is overruled.
    pub(crate) async fn run_before(mut self) {
        run(&mut std::mem::take(&mut self.0)).await;
    }
}

async fn run(all: &mut [Pending]) {
    if is_inside() || flight::is_leading() {
        return;
    }
    if !has_timers() {
        tracing::error!(
            "what is pending of removed entries can only be run inside a tokio runtime with timers, and comes after the removal"
        );
        return;
    }
    for pending in all {
        pending.run().await;
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for Pending { function, keys, last } in &self.0 {
            if let Some(behind) = &function.behind {
                behind.overrule(keys, *last);
            }
        }
    }
}

/// What is pending of the entries that a removal is about, if anything is.
pub(crate) fn ahead(of: impl FnOnce(&mut Ahead)) -> Option<Ahead> {
    if !any() {
        return None;
    }
    let mut ahead = Ahead::default();
    of(&mut ahead);
    (!ahead.0.is_empty()).then_some(ahead)
}

/// A removal by hand, once what it has to wait for has run. Dropped before that, it is begun and dropped, which queues it.
pub(crate) async fn removing<R>(of: impl FnOnce(&mut Ahead), removal: impl Future<Output = R>) -> R {
    let Some(ahead) = ahead(of) else {
        return removal.await;
    };
    let mut due = Due {
        removal: Box::pin(removal),
        begun: false,
    };
    ahead.run().await;
    due.begun = true;
    due.removal.as_mut().await
}

struct Due<F: Future> {
    removal: Pin<Box<F>>,
    begun: bool,
}

impl<F: Future> Drop for Due<F> {
    fn drop(&mut self) {
        if !self.begun {
            let _ = self
                .removal
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Pending {
    /// Leaves none of the keys.
    async fn run(&mut self) {
        let Some(behind) = &self.function.behind else {
            return;
        };
        let _hurry = (self.keys.len() > 1).then(|| behind.hurry());
        loop {
            let changed = behind.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            behind.leave_out_done(&mut self.keys, self.last);
            if self.keys.is_empty() {
                return;
            }
            // Those at work may have gone down with their runtime.
            ensure(&self.function);
            behind.wait(changed).await;
        }
    }
}

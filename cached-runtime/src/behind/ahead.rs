//! What removals wait for: the writes of their keys that are pending, which run at once.
//!
//! Called by whatever removes entries on behalf of the user, before it does. Or the write would come after the removal, in the
//! source as in the tiers, and what was removed would be there again. Not by what writes remove themselves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::attempt::is_inside;
use super::queue::any;
use super::run::{ensure, has_timers};
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::key::{Glob, KeyBytes};

/// Which entries of a function are to be removed.
enum Doomed {
    Key(KeyBytes),
    /// By key text.
    Matching(Glob),
    All,
}

/// Of some functions, what is pending of entries that are to be removed.
#[derive(Default)]
pub(crate) struct Ahead(Vec<(Arc<Function>, Doomed)>);

impl Ahead {
    /// Of one entry.
    pub(crate) fn entry(&mut self, function: &Arc<Function>, key: &[u8]) {
        self.add(function, || Doomed::Key(KeyBytes::from(key)));
    }

    /// Of every entry of one function, all its instantiations included.
    pub(crate) fn cache(&mut self, functions: &[Arc<Function>]) {
        for function in functions {
            self.add(function, || Doomed::All);
        }
    }

    /// Of the entries of one function whose key text matches.
    pub(crate) fn cache_pattern(&mut self, functions: &[Arc<Function>], glob: &str) {
        for function in functions {
            self.add(function, || Doomed::Matching(Glob::new(glob)));
        }
    }

    /// Of the entry whose key is `text`, whichever function owns it.
    pub(crate) fn text(&mut self, caches: &Caches, text: &str) {
        for function in caches.functions() {
            if let Some(key) = function.template.parse(text) {
                self.add(&function, || Doomed::Key(key));
            }
        }
    }

    /// Of every entry whose key matches.
    pub(crate) fn pattern(&mut self, caches: &Caches, glob: &str) {
        for function in caches.functions() {
            self.add(&function, || Doomed::Matching(Glob::new(glob)));
        }
    }

    /// Of every entry of every function.
    pub(crate) fn everything(&mut self, caches: &Caches) {
        for function in caches.functions() {
            self.add(&function, || Doomed::All);
        }
    }

    fn add(&mut self, function: &Arc<Function>, doomed: impl FnOnce() -> Doomed) {
        if function.behind.as_ref().is_some_and(|behind| behind.len() > 0) {
            self.0.push((Arc::clone(function), doomed()));
        }
    }

    /// Returns once all of it has run, its retries included, and is in the source or has failed for good. What is written
    /// meanwhile is not waited for.
    pub(crate) async fn run(self) {
        if self.0.is_empty() {
            return;
        }
        if !has_timers() {
            tracing::error!(
                "what is pending of removed entries can only be run inside a tokio runtime with timers, and comes after the removal"
            );
            return;
        }
        for (function, doomed) in self.0 {
            run(&function, doomed).await;
        }
    }
}

/// What is pending of the entries that a removal is about, if it has to wait for any. Inside of the body of a queued write it
/// waits for none.
pub(crate) fn ahead(of: impl FnOnce(&mut Ahead)) -> Option<Ahead> {
    if !any() || is_inside() {
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

async fn run(function: &Arc<Function>, doomed: Doomed) {
    let Some(behind) = &function.behind else { return };
    let (mut keys, last) = match doomed {
        Doomed::Key(key) => behind.now_of(key),
        Doomed::Matching(glob) => behind.now(|key| glob.matches(&function.text(key))),
        Doomed::All => behind.now(|_| true),
    };
    let _hurry = (keys.len() > 1).then(|| behind.hurry());
    loop {
        let changed = behind.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        behind.leave_out_done(&mut keys, last);
        if keys.is_empty() {
            return;
        }
        // Those at work may have gone down with their runtime.
        ensure(function);
        changed.await;
    }
}

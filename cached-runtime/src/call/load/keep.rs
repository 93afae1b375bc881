//! What a load stores: in memory at once, and in the remote tiers. A refresh does so in the place of what is there.

use std::sync::Arc;

use super::{Keeping, Load, Role};
use crate::caches::function::{Function, Plan};
use crate::entry::Content;
use crate::invalidate::{self, Doomed};
use crate::resilience::{Failed, Guarded};
use crate::tier::remote::Permit;

impl Load {
    /// Fills memory as `plan` says and answers the followers. The lead is held until the remote tiers are filled too:
    /// callers who come meanwhile are answered by the flight. Where that takes longer than the caller can be made to
    /// wait, it goes on in the background.
    pub(super) fn keep_as(mut self, content: Content, plan: Option<Plan>) -> Option<Keeping> {
        self.running = false;
        if let Some(plan) = plan {
            self.keep_in_memory(&content, plan);
        }
        self.answer(&content);
        let Some(plan) = plan else {
            return self.replace_by_nothing();
        };
        self.supersede();
        let doomed = self.doomed();
        if doomed.is_none() && self.permits.iter().all(Option::is_none) {
            return None;
        }
        let (patience, background) = (self.patience, self.function.background.clone());
        let the_rest_follows = self.function.fills_below_later();
        let filling: Keeping = Box::pin(async move {
            let Some(probe) = self.role.probe() else { return };
            let key = self.function.full_key(probe.bytes);
            let (permits, failed) = (&self.permits, &mut self.failed);
            let untaken = fill_remotes(&self.function, &key, &content, plan, permits, failed).await;
            if let Some(doomed) = doomed {
                invalidate::from_stores(untaken, &[key], failed).await;
                doomed.settled();
            }
            self.supersede();
        });
        if the_rest_follows {
            background.spawn(filling);
            return None;
        }
        Some(Box::pin(
            async move { background.patiently(patience, filling).await },
        ))
    }

    /// What a refresh is to leave in no remote tier.
    fn doomed(&self) -> Option<Doomed> {
        let probe = self.role.probe().filter(|_| self.refreshes())?;
        let keys = vec![self.function.full_key(probe.bytes)];
        (!self.function.remotes.is_empty()).then(|| Doomed::of(&self.function, keys))
    }

    /// Nobody joins a load any more that may have begun before one that has replaced what is there.
    fn supersede(&self) {
        if let Role::Alone { key, replace: true } = &self.role {
            self.function.flights.detach(key.probe());
        }
    }

    /// Removes what was to be replaced by what is not kept: it is out of date.
    fn replace_by_nothing(mut self) -> Option<Keeping> {
        self.replaces().then(|| -> Keeping {
            Box::pin(async move {
                if let Some(probe) = self.role.probe() {
                    invalidate::remove(&self.function, probe, &mut self.failed).await;
                }
            })
        })
    }

    fn keep_in_memory(&self, content: &Content, plan: Plan) {
        match (self.stamp, self.role.probe()) {
            (Some(stamp), Some(probe)) if self.refreshes() => {
                self.function
                    .replace_in_memory(probe, content, plan, stamp, self.began);
            }
            _ => self.fill_memory(content, plan),
        }
    }

    /// Copies an entry into the remote tiers above the one it was found in, in the background.
    pub(in crate::call) fn backfill(&mut self, key: String, content: &Content, plan: Plan) {
        let permits = std::mem::take(&mut self.permits);
        if permits.iter().all(Option::is_none) {
            return;
        }
        let function = Arc::clone(&self.function);
        let content = content.clone();
        self.function.background.spawn(async move {
            fill_remotes(&function, &key, &content, plan, &permits, &mut Failed::default()).await;
        });
    }
}

/// Fills each remote tier that gave a permit. Says in which of them there may still be what was there before.
async fn fill_remotes<'f>(
    function: &'f Function,
    key: &str,
    content: &Content,
    plan: Plan,
    permits: &[Option<Permit>],
    failed: &mut Failed,
) -> Vec<&'f Arc<Guarded>> {
    let sealed = function
        .form(true)
        .and_then(|form| form.seal(key, content, &plan).ok());
    let mut untaken = Vec::new();
    for (remote, permit) in function.remotes.iter().zip(permits) {
        let taken = match (&sealed, permit) {
            (Some(sealed), Some(permit)) => {
                let filled = remote.fill(key, sealed, &plan, permit).await;
                failed.note(&remote.guarded, &filled);
                filled.is_ok()
            }
            _ => false,
        };
        if !taken {
            untaken.push(&remote.guarded);
        }
    }
    untaken
}

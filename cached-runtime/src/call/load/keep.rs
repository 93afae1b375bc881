//! What a load stores: in memory at once, and in the remote tiers. A refresh does so in the place of what is there.

use std::sync::Arc;

use super::{Keeping, Load, Role};
use crate::caches::function::{Function, Plan};
use crate::entry::Content;
use crate::invalidate::{self, Doomed};
use crate::key::KeyBytes;
use crate::resilience::Failed;
use crate::store::Filled;
use crate::tier::remote::Permit;
use crate::tier::stamps::Stamp;

impl Load {
    /// Fills memory as `plan` says and answers the followers. The lead is held until the remote tiers are filled too:
    /// callers who come meanwhile are answered by the flight. Where that takes longer than the caller can be made to
    /// wait, it goes on in the background, but for a refresh.
    pub(super) fn keep_as(mut self, content: Content, plan: Option<Plan>) -> Option<Keeping> {
        if let Some(probe) = self.role.probe().filter(|_| self.refreshes())
            && self.function.leaves_to_pending(probe)
        {
            self.running = false;
            return None;
        }
        let Some(plan) = plan else {
            self.running = false;
            self.answer(&content);
            return self.replace_by_nothing();
        };
        // Before a `weight` of the user's runs, which may panic.
        let doomed = self.doomed();
        let moved = self.keep_in_memory(&content, plan);
        self.running = false;
        if let Some(probe) = self.role.probe()
            && (moved.is_some() || self.stamp_stands())
        {
            self.function.has_another(probe, self.again.is_some());
        }
        self.answer(&content);
        self.supersede();
        let is_stored = doomed.is_some() || self.permits.iter().any(Option::is_some);
        if self.function.remotes.is_empty() || !is_stored {
            if let Some(doomed) = doomed {
                doomed.settled();
            }
            return None;
        }
        let background = self.function.background.clone();
        let (patience, the_rest_follows) = (self.patience, self.function.fills_below_later());
        let refreshes = doomed.is_some();
        let filling: Keeping = Box::pin(async move {
            let Some(probe) = self.role.probe() else { return };
            let key = self.function.full_key(probe.bytes);
            let (permits, failed) = (&self.permits, &mut self.failed);
            fill_remotes(&self.function, &key, &content, plan, permits, refreshes, failed).await;
            if let Some(doomed) = doomed {
                let again = self.function.stamps.replace(probe.hash, moved);
                self.function.replaced_below(probe, again, self.began);
                doomed.settled();
            }
            self.supersede();
        });
        // That is over when what was there is gone everywhere, and not before.
        if refreshes {
            return Some(filling);
        }
        if the_rest_follows {
            background.spawn(filling);
            return None;
        }
        Some(Box::pin(
            async move { background.patiently(patience, filling).await },
        ))
    }

    /// What a refresh is to leave nowhere.
    fn doomed(&self) -> Option<Doomed> {
        let probe = self.role.probe().filter(|_| self.refreshes())?;
        Some(Doomed::of(&self.function, vec![KeyBytes::from(probe.bytes)]))
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

    /// What a refresh has moved the stamp on to, if it was alone.
    fn keep_in_memory(&self, content: &Content, plan: Plan) -> Option<Stamp> {
        let Some(probe) = self.role.probe().filter(|_| self.refreshes()) else {
            self.fill_memory(content, plan);
            return None;
        };
        let moved = self.function.stamps.replace(probe.hash, self.stamp);
        self.function
            .replace_in_memory(probe, content, plan, moved, self.began);
        moved
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
            let failed = &mut Failed::default();
            fill_remotes(&function, &key, &content, plan, &permits, false, failed).await;
        });
    }
}

/// Fills each remote tier that gave a permit, the lowest first. Where this `replaces` what was there, that is removed from those
/// that have not stored it: also from one that has refused it, for what its token has been used for may be what somebody else
/// has copied up. Each is done with before the next one up, or what was there might climb into one that has lost this again.
async fn fill_remotes(
    function: &Function,
    key: &str,
    content: &Content,
    plan: Plan,
    permits: &[Option<Permit>],
    replaces: bool,
    failed: &mut Failed,
) {
    let sealed = function
        .form(true)
        .and_then(|form| form.seal(key, content, &plan).ok());
    for (remote, permit) in function.remotes.iter().zip(permits).rev() {
        let is_stored = match (&sealed, permit) {
            (Some(sealed), Some(permit)) => {
                let filled = remote.fill(key, sealed, &plan, permit).await;
                failed.note(&remote.guarded, &filled);
                matches!(filled, Ok(Filled::Stored))
            }
            _ => false,
        };
        if replaces && !is_stored {
            invalidate::from_store(&remote.guarded, &[key.to_owned()], failed).await;
        }
    }
}

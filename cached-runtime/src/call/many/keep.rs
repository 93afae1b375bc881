//! What a batch stores in the remote tiers: many entries in one round trip for each.

use std::sync::Arc;
use std::time::Duration;

use crate::caches::function::{Function, Plan};
use crate::call::{Keeping, probe_of};
use crate::entry::Content;
use crate::flight::Lead;
use crate::invalidate::{self, Doomed};
use crate::key::KeyBytes;
use crate::resilience::{Failed, TOGETHER};
use crate::tier::many::Entering;
use crate::tier::remote::{Permit, Sealed};
use crate::tier::stamps::{Once, Stamp};

/// One entry to be stored.
pub(super) struct Kept {
    key: String,
    content: Content,
    plan: Plan,
    /// One for each remote tier, down to where it was found, as far as they gave one.
    permits: Vec<Option<Permit>>,
    /// What was there before must not stay in a tier that does not take this.
    replaces: bool,
    /// Until then its flight answers.
    _lead: Option<Lead>,
}

impl Kept {
    pub(super) fn new(key: String, content: Content, plan: Plan, permits: Vec<Option<Permit>>) -> Self {
        Self {
            key,
            content,
            plan,
            permits,
            replaces: false,
            _lead: None,
        }
    }

    pub(super) fn replacing(self, replaces: bool) -> Self {
        Self { replaces, ..self }
    }

    pub(super) fn led(self, lead: Option<Lead>) -> Self {
        Self { _lead: lead, ..self }
    }
}

/// Entries whose place in memory the loads of this number have taken.
pub(super) struct Replaced {
    began: u64,
    /// With what their stamps were moved on to, if it was by that alone.
    keys: Vec<(KeyBytes, Option<Stamp>)>,
}

impl Replaced {
    pub(super) fn by(began: u64) -> Self {
        let keys = Vec::new();
        Self { began, keys }
    }

    pub(super) fn add(&mut self, key: KeyBytes, moved: Option<Stamp>) {
        self.keys.push((key, moved));
    }

    /// Nobody joins an older load of them.
    fn supersede(&self, function: &Function) {
        for (key, _) in &self.keys {
            function.flights.detach(probe_of(key));
        }
    }

    /// The tiers below have them too.
    fn end(&self, function: &Function) {
        let mut once = Once::default();
        for (key, moved) in &self.keys {
            let probe = probe_of(key);
            let again = once.replace(&function.stamps, probe.hash, *moved);
            function.replaced_below(probe, again, self.began);
        }
        self.supersede(function);
    }
}

/// Stores `kept`, after which nobody joins an older load of what is `replaced` by it, and removes what was to be replaced by
/// what is not kept. Where storing takes longer than the caller can be made to wait, it goes on in the background, but for a refresh.
pub(super) fn below(
    function: &Arc<Function>,
    kept: Vec<Kept>,
    replaced: Replaced,
    doomed: Doomed,
    outdated: Vec<KeyBytes>,
    patience: Duration,
    mut failed: Failed,
) -> Option<Keeping> {
    replaced.supersede(function);
    if kept.is_empty() && outdated.is_empty() {
        doomed.settled();
        return None;
    }
    let function = Arc::clone(function);
    Some(Box::pin(async move {
        invalidate::several(&function, &outdated, &mut failed).await;
        let background = function.background.clone();
        let (refreshes, the_rest_follows) = (!replaced.keys.is_empty(), function.fills_below_later());
        let filling: Keeping = Box::pin(async move {
            fill(&function, &kept, &mut failed).await;
            if !function.remotes.is_empty() {
                replaced.end(&function);
            }
            doomed.settled();
        });
        // That is over when what was there is gone everywhere, and not before.
        if refreshes {
            filling.await;
        } else if the_rest_follows {
            background.spawn(filling);
        } else {
            background.patiently(patience, filling).await;
        }
    }))
}

/// Fills each remote tier, the lowest first, with those that it gave a permit for, and removes from it what it has not stored
/// the replacement of. So many at a time: all of them as bytes may be too much.
pub(super) async fn fill(function: &Function, kept: &[Kept], failed: &mut Failed) {
    let form = function.form(true);
    // Apart from what has failed before: of several servers that may have been one, and others have given permits.
    let mut fails = Failed::default();
    for kept in kept.chunks(TOGETHER) {
        let seal = |one: &Kept| form.as_ref()?.seal(&one.key, &one.content, &one.plan).ok();
        let sealed: Vec<Option<Sealed>> = kept.iter().map(seal).collect();
        for (index, remote) in function.remotes.iter().enumerate().rev() {
            let (mut permitted, mut untaken) = (Vec::with_capacity(kept.len()), Vec::new());
            let mut taken = Vec::with_capacity(kept.len());
            for (one, sealed) in kept.iter().zip(&sealed) {
                match (sealed, one.permits.get(index)) {
                    (Some(sealed), Some(Some(permit))) => {
                        let (key, plan) = (one.key.as_str(), &one.plan);
                        taken.push(one);
                        permitted.push(Entering {
                            key,
                            sealed,
                            plan,
                            permit,
                        });
                    }
                    _ => untaken.push(one),
                }
            }
            if !permitted.is_empty() {
                let is_taken = remote.fill_many(&permitted, &mut fails).await;
                failed.extend(&fails);
                let refused = taken.into_iter().zip(is_taken).filter(|(_, taken)| !taken);
                untaken.extend(refused.map(|(one, _)| one));
            }
            let left = untaken.into_iter().filter(|one| one.replaces);
            let left: Vec<String> = left.map(|one| one.key.clone()).collect();
            if !left.is_empty() {
                invalidate::from_store(&remote.guarded, &left, failed).await;
            }
        }
    }
}

//! What a batch stores in the remote tiers: many entries in one round trip for each.

use std::sync::Arc;
use std::time::Duration;

use crate::caches::function::{Function, Plan};
use crate::call::{Keeping, probe_of};
use crate::entry::Content;
use crate::flight::Lead;
use crate::invalidate;
use crate::key::KeyBytes;
use crate::resilience::{Failed, TOGETHER};
use crate::tier::many::Entering;
use crate::tier::remote::Permit;

/// One entry to be stored.
pub(super) struct Kept {
    key: String,
    content: Content,
    plan: Plan,
    /// One for each remote tier, down to where it was found, as far as they gave one.
    permits: Vec<Option<Permit>>,
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
            _lead: None,
        }
    }

    pub(super) fn led(self, lead: Option<Lead>) -> Self {
        Self { _lead: lead, ..self }
    }
}

/// Stores `kept`, after which nobody joins an older load of what is `replaced` by it, and removes what was to be replaced by
/// what is not kept. Where storing takes longer than the caller can
/// be made to wait, it goes on in the background.
pub(super) fn below(
    function: &Arc<Function>,
    kept: Vec<Kept>,
    replaced: Vec<KeyBytes>,
    outdated: Vec<KeyBytes>,
    patience: Duration,
) -> Option<Keeping> {
    let supersede = move |function: &Function| {
        let probes = replaced.iter().map(|key| probe_of(key));
        probes.for_each(|probe| function.flights.detach(probe));
    };
    supersede(function);
    if kept.is_empty() && outdated.is_empty() {
        return None;
    }
    let (ours, background) = (Arc::clone(function), function.background.clone());
    let function = Arc::clone(function);
    let mut filling: Keeping = Box::pin(async move {
        fill(&function, &kept).await;
        supersede(&function);
    });
    let the_rest_follows = ours.fills_below_later();
    Some(Box::pin(async move {
        invalidate::several(&ours, &outdated, &mut Failed::default()).await;
        if the_rest_follows {
            background.spawn(filling);
            return;
        }
        if tokio::time::timeout(patience, &mut filling).await.is_err() {
            background.spawn(filling);
        }
    }))
}

/// Fills each remote tier with those that it gave a permit for. So many at a time: all of them as bytes may be too much.
pub(super) async fn fill(function: &Function, kept: &[Kept]) {
    let Some(form) = function.form(true) else { return };
    for kept in kept.chunks(TOGETHER) {
        let mut sealed = Vec::with_capacity(kept.len());
        for one in kept {
            if let Ok(bytes) = form.seal(&one.key, &one.content, &one.plan) {
                sealed.push((one, bytes));
            }
        }
        for (index, remote) in function.remotes.iter().enumerate() {
            let permitted = sealed.iter().filter_map(|(one, sealed)| {
                let permit = one.permits.get(index)?.as_ref()?;
                let (key, plan) = (one.key.as_str(), &one.plan);
                Some(Entering {
                    key,
                    sealed,
                    plan,
                    permit,
                })
            });
            let permitted: Vec<Entering<'_>> = permitted.collect();
            if !permitted.is_empty() {
                remote.fill_many(&permitted).await;
            }
        }
    }
}

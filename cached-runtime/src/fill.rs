//! Putting a value that no load brought: what `insert` of an entry does.
//!
//! A put revokes every load in progress, since it is newer than what they read. Where it overlaps another put or an
//! invalidation of the same entry, in this process or in another, nobody can say which of them the source saw last, so it
//! becomes a removal.

use std::slice;
use std::sync::Arc;

use crate::Error;
use crate::caches::function::{Function, Plan};
use crate::entry::Content;
use crate::invalidate;
use crate::resilience::What;
use crate::store::Filled;
use crate::tier::memory::{Fill, Probe};

/// Puts `content` into every tier, the lowest first. A store that does not take it has the entry removed instead, now
/// or by replay, and its error is returned; the other tiers have the value all the same.
pub(crate) async fn put(
    function: &Arc<Function>,
    probe: Probe<'_>,
    content: Content,
    plan: Plan,
) -> Result<(), Error> {
    invalidate::revoke(function, probe);
    let stamp = function.stamps.now(probe.hash);
    let (mut outcome, mut overlapped) = (Ok(()), false);
    if let Some(form) = function.form(true)
        && !function.remotes.is_empty()
    {
        let key = function.full_key(probe.bytes);
        let sealed = match form.seal(&key, &content, &plan) {
            Ok(sealed) => sealed,
            Err(error) => {
                invalidate::entry(function, probe).await;
                return Err(error);
            }
        };
        for remote in function.remotes.iter().rev() {
            match remote.put(&key, &sealed, &plan).await {
                Ok(Filled::Stored) => {}
                Ok(Filled::Refused) => overlapped = true,
                Err(error) => {
                    // Keys are what every store can remove.
                    let _ = remote.guarded.remove(What::Keys(slice::from_ref(&key))).await;
                    outcome = Err(error);
                }
            }
        }
    }
    // Once more: who has begun meanwhile may have found in a store what was there before.
    let stamp = function.stamps.advance_from(probe.hash, stamp);
    let Some(stamp) = stamp.filter(|_| !overlapped) else {
        invalidate::entry(function, probe).await;
        return outcome;
    };
    function.flights.detach(probe);
    if let Some(memory) = &function.memory {
        let weight = function.weight(probe, &content);
        memory.fill(
            probe,
            Fill {
                content,
                plan,
                began: Function::begin(),
                weight,
            },
            stamp,
        );
    }
    outcome
}

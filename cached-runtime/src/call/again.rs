//! Loads in the background: what a hit starts whose entry is due.
//!
//! Once per key: a load in progress is not begun again. A hit whose load may not begin, as [`Reloads`](super::reloads::Reloads)
//! has it, is a hit and nothing else, and the next one asks again.

use std::sync::Arc;

use super::load::Load;
use super::output::{Output, Shape};
use super::owned::Anew;
use super::reloads::{Refused, Seat};
use super::run::{Lead, Run};
use super::share::Share;
use super::steps::Steps;
use super::values::Ways;
use crate::caches::context;
use crate::caches::function::Function;
use crate::flight;
use crate::key::KeyBytes;
use crate::tier::memory::Probe;
use crate::tier::stamps::Stamp;

/// The right to load an entry in the background.
pub(crate) struct Claim {
    function: Arc<Function>,
    lead: flight::Lead,
    /// From before anything was copied that the load works with.
    stamp: Stamp,
    seat: Seat,
}

impl Claim {
    /// Nothing if somebody is at it, or it may not begin.
    #[cold]
    pub(crate) fn new(function: &Arc<Function>, probe: Probe<'_>) -> Option<Self> {
        if let Err(refused) = function.reloads.may_begin(probe) {
            // Where memory has got it from a tier below since.
            if let (Refused::Paused(left), Some(memory)) = (refused, &function.memory) {
                memory.pause(probe, left, |_| true);
            }
            return None;
        }
        let stamp = function.stamps.now(probe.hash);
        // Before the seat, since hits are many while one is at it.
        let lead = function.reloading.begin(probe)?;
        Some(Self {
            seat: function.reloads.begin(probe)?,
            function: Arc::clone(function),
            lead,
            stamp,
        })
    }
}

/// The same for values of a known type.
pub struct Reload<V> {
    claim: Claim,
    ways: fn() -> Ways<V>,
}

impl<V> Reload<V> {
    pub(super) fn new(claim: Claim, ways: fn() -> Ways<V>) -> Self {
        Self { claim, ways }
    }
}

/// Runs `body` and stores what it brings; `told` says what it fails with. Outside of a runtime nothing is run.
pub fn reload<R, const K: u8>(
    reload: Reload<R::Value>,
    shape: Shape<R, K>,
    share: Share<R::Error>,
    told: fn(&R::Error) -> String,
    body: Anew<R>,
) where
    R: Output<K, Value: Send> + 'static,
{
    let _ = shape;
    let Reload { claim, ways } = reload;
    let Claim {
        function,
        lead,
        stamp,
        seat,
    } = claim;
    let background = function.background.clone();
    let of = (Arc::clone(&function), KeyBytes::from(lead.probe().bytes));
    let steps = Steps::new(Load::again(function, lead, stamp, seat));
    let run = Run {
        lead: Lead::new(steps, share, ways()),
        body: Box::pin(body),
    };
    let run = context::carried(async move {
        if let Err((error, _)) = run.await.split() {
            tell(&of.0, &of.1, &told(&error));
        }
    });
    background.spawn(run);
}

/// Nobody waits for it, so that nobody else would tell.
pub(super) fn tell(function: &Function, key: &[u8], error: &str) {
    tracing::warn!(
        function = &*function.name,
        key = function.text(key),
        error,
        "a load in the background failed; what is cached stays as it is"
    );
}

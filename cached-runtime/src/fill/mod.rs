//! Putting a value that no load brought: what `insert` of an entry and `#[update]` do.
//!
//! A put revokes every load in progress, since it is newer than what they read. Where it overlaps another put or an
//! invalidation of the same entry, in this process or in another, nobody can say which of them the source saw last, so it
//! becomes a removal.
//!
//! A [`Put`] lasts as long as the writing of the source does, so it begins before that: it moves the stamp on, which the
//! others in this process see, and claims the key in every store, which revokes what other processes have claimed. When it
//! ends the stamp must still be the one it made, and the claims must still stand. [`Puts`] are many of them.

mod many;

use std::slice;
use std::sync::Arc;

pub(crate) use self::many::{End, Puts};

use crate::Error;
use crate::caches::function::{Function, Plan};
use crate::entry::Content;
use crate::invalidate;
use crate::key::KeyBytes;
use crate::resilience::{Failed, What};
use crate::store::Filled;
use crate::tier::memory::{Fill, Probe};
use crate::tier::remote::Claim;
use crate::tier::stamps::{Moment, Stamp};

/// The put of one entry, from before its value is in the source.
pub(crate) struct Put {
    function: Arc<Function>,
    hash: u64,
    key: KeyBytes,
    seen: Seen,
}

/// By what it will be known whether anybody else was at the entry meanwhile.
enum Seen {
    Key {
        stamp: Stamp,
        /// One for each remote tier.
        claims: Vec<Result<Claim, Error>>,
    },
    /// The key became known too late to claim it anywhere, so that of other processes nothing is known.
    Since(Moment),
}

impl Put {
    pub(crate) async fn begin(function: &Arc<Function>, probe: Probe<'_>) -> Self {
        let stamp = function.stamps.moved_on(probe.hash);
        Self::since(function, probe, stamp).await
    }

    /// Of an entry whose stamp has been moved on to this one.
    pub(crate) async fn since(function: &Arc<Function>, probe: Probe<'_>, stamp: Stamp) -> Self {
        let mut claims = Vec::with_capacity(function.remotes.len());
        if !function.remotes.is_empty() {
            let key = function.full_key(probe.bytes);
            for remote in &function.remotes {
                claims.push(remote.claim(&key).await);
            }
        }
        Self::new(function, probe, Seen::Key { stamp, claims })
    }

    /// Of a key that is known only now that the source has been written, since `moment`.
    pub(crate) fn begun(function: &Arc<Function>, probe: Probe<'_>, moment: Moment) -> Self {
        Self::new(function, probe, Seen::Since(moment))
    }

    fn new(function: &Arc<Function>, probe: Probe<'_>, seen: Seen) -> Self {
        Self {
            function: Arc::clone(function),
            hash: probe.hash,
            key: KeyBytes::from(probe.bytes),
            seen,
        }
    }

    /// Notes the stores that have failed so far.
    pub(crate) fn note(&self, failed: &mut Failed) {
        if let Seen::Key { claims, .. } = &self.seen {
            for (remote, claim) in self.function.remotes.iter().zip(claims) {
                failed.note(&remote.guarded, claim);
            }
        }
    }

    /// Puts `content` into every tier, the lowest first. A store that does not take it has the entry removed instead,
    /// now or by replay, and its error is returned; the other tiers have the value all the same.
    pub(crate) async fn end(self, content: Content, plan: Plan, failed: &mut Failed) -> Result<(), Error> {
        self.note(failed);
        let probe = Probe {
            hash: self.hash,
            bytes: &self.key,
        };
        let (function, stamps) = (&self.function, &self.function.stamps);
        let stamp = match self.seen {
            Seen::Key { stamp, .. } => Some(stamp),
            Seen::Since(moment) => stamps.since(probe.hash, moment),
        };
        // From here on no load that began before is let into memory.
        let Some(stamp) = stamp.and_then(|stamp| stamps.advance_from(probe.hash, stamp)) else {
            invalidate::remove(function, probe, failed).await;
            return Ok(());
        };
        invalidate::forget(function, probe);
        let below = match self.seen {
            Seen::Key { claims, .. } => put_below(function, probe, &content, &plan, claims, failed).await,
            Seen::Since(_) => {
                invalidate::below(function, probe, failed).await;
                Below::Put(Ok(()))
            }
        };
        let outcome = match below {
            Below::Put(outcome) => outcome,
            Below::Not(outcome) => {
                invalidate::remove(function, probe, failed).await;
                return outcome;
            }
        };
        // Once more: who has begun meanwhile may have found in a store what was there before.
        let Some(stamp) = stamps.advance_from(probe.hash, stamp) else {
            invalidate::remove(function, probe, failed).await;
            return outcome;
        };
        invalidate::forget(function, probe);
        if let Some(memory) = &function.memory {
            let weight = function.weight(probe, &content);
            let fill = Fill {
                content,
                plan,
                began: Function::begin(),
                weight,
            };
            memory.fill(probe, fill, stamp);
        }
        // Whoever has begun meanwhile may have looked below before the value was there.
        if stamps.now(probe.hash) != stamp {
            invalidate::remove(function, probe, failed).await;
        }
        outcome
    }
}

/// What came of a put in the remote tiers.
enum Below {
    /// Each of them has the value, or has it removed and is why there is an error.
    Put(Result<(), Error>),
    /// It cannot be there, or somebody else was at it.
    Not(Result<(), Error>),
}

async fn put_below(
    function: &Function,
    probe: Probe<'_>,
    content: &Content,
    plan: &Plan,
    claims: Vec<Result<Claim, Error>>,
    failed: &mut Failed,
) -> Below {
    let mut outcome = Ok(());
    let Some(form) = function.form(true).filter(|_| !function.remotes.is_empty()) else {
        return Below::Put(outcome);
    };
    let key = function.full_key(probe.bytes);
    let sealed = match form.seal(&key, content, plan) {
        Ok(sealed) => sealed,
        Err(error) => return Below::Not(Err(error)),
    };
    for (remote, claim) in function.remotes.iter().zip(claims).rev() {
        let put = match claim {
            Ok(claim) => remote.put(&key, &sealed, plan, &claim, failed).await,
            Err(error) => Err(error),
        };
        match put {
            Ok(Filled::Stored) => {}
            Ok(Filled::Refused) => return Below::Not(Ok(())),
            Err(error) => {
                remote.guarded.tell_untaken(&function.name, 1, Some(&error));
                // Keys are what every store can remove.
                let removed = remote.guarded.remove(What::Keys(slice::from_ref(&key)), failed);
                let _ = removed.await;
                outcome = Err(error);
            }
        }
    }
    Below::Put(outcome)
}

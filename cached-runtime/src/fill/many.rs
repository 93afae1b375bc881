//! Putting many entries of one function: each as a [`Put`](super::Put) of its own would, in few requests for each store.
//!
//! Keys may share a stamp, which moves on once for all of them: or each put would take the one before it for a stranger.

use std::sync::Arc;

use crate::caches::function::{Function, Plan};
use crate::call::probe_of;
use crate::entry::Content;
use crate::invalidate;
use crate::key::KeyBytes;
use crate::resilience::{Failed, TOGETHER, What};
use crate::store::Filled;
use crate::tier::many::Putting;
use crate::tier::memory::Fill;
use crate::tier::remote::{Claim, Sealed};
use crate::tier::stamps::{Moment, Once, Stamp};

/// The puts of many entries, each key once, from before their values are in the source.
pub(crate) struct Puts {
    function: Arc<Function>,
    keys: Vec<KeyBytes>,
    seen: Seen,
}

/// By what it will be known whether anybody else was at the entries meanwhile, key by key.
enum Seen {
    Keys {
        stamps: Vec<Stamp>,
        /// Of each remote tier; `None` where it gave none.
        claims: Vec<Vec<Option<Claim>>>,
        /// In the course of claiming.
        failed: Failed,
    },
    Since(Moment),
}

/// What becomes of an entry.
pub(crate) enum End {
    Put(Content, Plan),
    Remove,
    /// It is in other hands.
    Leave,
}

/// One entry on its way.
struct Going {
    /// Of its key.
    place: usize,
    stamp: Stamp,
    content: Content,
    plan: Plan,
    /// It cannot be there, or somebody else was at it.
    refused: bool,
}

impl Puts {
    pub(crate) async fn begin(function: &Arc<Function>, keys: Vec<KeyBytes>) -> Self {
        for key in &keys {
            function.stamps.advance(probe_of(key).hash);
        }
        // Not before the last of them has moved on.
        let stamps = keys.iter().map(|key| function.stamps.now(probe_of(key).hash));
        let stamps = stamps.collect();
        Self::since(function, keys, stamps).await
    }

    /// Of entries whose stamps have been moved on to these.
    pub(crate) async fn since(function: &Arc<Function>, keys: Vec<KeyBytes>, stamps: Vec<Stamp>) -> Self {
        let mut claims = Vec::with_capacity(function.remotes.len());
        let mut failed = Failed::default();
        if !function.remotes.is_empty() {
            let full: Vec<String> = keys.iter().map(|key| function.full_key(key)).collect();
            for remote in &function.remotes {
                claims.push(remote.claim_many(&full, &mut failed).await);
            }
        }
        Self {
            function: Arc::clone(function),
            keys,
            seen: Seen::Keys {
                stamps,
                claims,
                failed,
            },
        }
    }

    /// Of keys that are known only now that the source has been written, since `moment`.
    pub(crate) fn begun(function: &Arc<Function>, keys: Vec<KeyBytes>, moment: Moment) -> Self {
        Self {
            function: Arc::clone(function),
            keys,
            seen: Seen::Since(moment),
        }
    }

    /// Notes the stores that have failed so far.
    pub(crate) fn note(&self, failed: &mut Failed) {
        if let Seen::Keys { failed: these, .. } = &self.seen {
            failed.extend(these);
        }
    }

    /// Ends each as `ends` says, in the order of the keys. A store that does not take a value has the entry removed instead,
    /// now or by replay.
    pub(crate) async fn end(self, ends: Vec<End>, failed: &mut Failed) {
        self.note(failed);
        let (mut going, mut removed) = self.sort(ends);
        let function = &self.function;
        for going in &going {
            invalidate::forget(function, probe_of(&self.keys[going.place]));
        }
        match &self.seen {
            Seen::Keys { claims, .. } => {
                for some in going.chunks_mut(TOGETHER) {
                    self.put_below(some, claims, failed).await;
                }
            }
            Seen::Since(_) => {
                let keys: Vec<KeyBytes> = going.iter().map(|going| self.keys[going.place].clone()).collect();
                invalidate::several_below(function, &keys, failed).await;
            }
        }
        let mut once = Once::default();
        for going in going {
            let probe = probe_of(&self.keys[going.place]);
            // Once more: who has begun meanwhile may have found in a store what was there before.
            let stamp = if going.refused {
                None
            } else {
                once.advance_from(&function.stamps, probe.hash, going.stamp)
            };
            let Some(stamp) = stamp else {
                removed.push(self.keys[going.place].clone());
                continue;
            };
            invalidate::forget(function, probe);
            if let Some(memory) = &function.memory {
                let weight = function.weight(probe, &going.content);
                let fill = Fill {
                    content: going.content,
                    plan: going.plan,
                    began: Function::begin(),
                    weight,
                };
                memory.fill(probe, fill, stamp);
            }
            // Whoever has begun meanwhile may have looked below before the value was there.
            if function.stamps.now(probe.hash) != stamp {
                removed.push(self.keys[going.place].clone());
            }
        }
        invalidate::several(function, &removed, failed).await;
    }

    /// Those that are put, and those that are removed. From here on no load of the former that began before is let into
    /// memory.
    fn sort(&self, ends: Vec<End>) -> (Vec<Going>, Vec<KeyBytes>) {
        let stamps = &self.function.stamps;
        // All of them before the first moves on.
        let seen: Vec<Option<Stamp>> = match &self.seen {
            Seen::Keys { stamps, .. } => stamps.iter().copied().map(Some).collect(),
            Seen::Since(moment) => {
                let since = |key: &KeyBytes| stamps.since(probe_of(key).hash, *moment);
                self.keys.iter().map(since).collect()
            }
        };
        let mut once = Once::default();
        let (mut going, mut removed) = (Vec::new(), Vec::new());
        for ((place, key), (end, seen)) in self.keys.iter().enumerate().zip(ends.into_iter().zip(seen)) {
            let hash = probe_of(key).hash;
            match end {
                End::Put(content, plan) => {
                    let stamp = seen.and_then(|seen| once.advance_from(stamps, hash, seen));
                    match stamp {
                        Some(stamp) => going.push(Going {
                            place,
                            stamp,
                            content,
                            plan,
                            refused: false,
                        }),
                        None => removed.push(key.clone()),
                    }
                }
                End::Remove => removed.push(key.clone()),
                End::Leave => {}
            }
        }
        (going, removed)
    }

    /// Puts some into the remote tiers, the lowest first: all of them as bytes may be too much.
    async fn put_below(&self, going: &mut [Going], claims: &[Vec<Option<Claim>>], failed: &mut Failed) {
        let function = &self.function;
        let Some(form) = function.form(true).filter(|_| !function.remotes.is_empty()) else {
            return;
        };
        let mut sealed: Vec<Option<(String, Sealed)>> = Vec::with_capacity(going.len());
        for one in going.iter_mut() {
            let key = function.full_key(&self.keys[one.place]);
            match form.seal(&key, &one.content, &one.plan) {
                Ok(bytes) => sealed.push(Some((key, bytes))),
                Err(_) => {
                    one.refused = true;
                    sealed.push(None);
                }
            }
        }
        for (remote, claims) in function.remotes.iter().zip(claims).rev() {
            let (mut asked, mut putting, mut untaken) = (Vec::new(), Vec::new(), Vec::new());
            for (at, one) in going.iter().enumerate() {
                let Some((key, sealed)) = sealed[at].as_ref().filter(|_| !one.refused) else {
                    continue;
                };
                match &claims[one.place] {
                    Some(claim) => {
                        asked.push(at);
                        putting.push(Putting {
                            key,
                            sealed,
                            plan: &one.plan,
                            claim,
                        });
                    }
                    None => untaken.push(key.clone()),
                }
            }
            let answers = remote.put_many(&putting, failed).await;
            for (at, answer) in asked.into_iter().zip(answers) {
                match answer {
                    Some(Filled::Stored) => {}
                    Some(Filled::Refused) => going[at].refused = true,
                    None => untaken.extend(sealed[at].iter().map(|(key, _)| key.clone())),
                }
            }
            if !untaken.is_empty() {
                remote.guarded.tell_untaken(&function.name, untaken.len(), None);
                // Keys are what every store can remove.
                let _ = remote.guarded.remove(What::Keys(&untaken), failed).await;
            }
        }
    }
}

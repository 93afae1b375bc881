//! Many keys of a remote tier at once, each of them treated as if it had been asked for alone.

use tokio::task::yield_now;
use tokio::time::Instant;

use super::remote::{Claim, Form, Had, Permit, Remote, Sealed};
use crate::plan::Plan;
use crate::resilience::{Failed, Looked, TOGETHER};
use crate::store::{BoxFuture, Filled, Filling};
use crate::together::{self, BESIDE};

/// One of several entries to be stored.
pub(crate) struct Entering<'a> {
    pub(crate) key: &'a str,
    pub(crate) sealed: &'a Sealed,
    pub(crate) plan: &'a Plan,
    pub(crate) permit: &'a Permit,
}

/// One of several entries that no load brought.
pub(crate) struct Putting<'a> {
    pub(crate) key: &'a str,
    pub(crate) sealed: &'a Sealed,
    pub(crate) plan: &'a Plan,
    pub(crate) claim: &'a Claim,
}

impl Remote {
    /// What there is for each key, in their order: one round trip, and another where something has to be replaced.
    pub(crate) async fn get_many(&self, keys: &[String], form: &Form<'_>) -> Vec<Had> {
        let (looked, generations) = match &self.generations {
            None => (self.guarded.get_each(keys).await, vec![None; keys.len()]),
            Some(generations) => {
                let (beside, looked) = generations.look_each(&self.guarded, keys).await;
                let settled = generations.settle_each(&self.guarded, keys, beside);
                let settled = self.in_time(Instant::now(), async { Some(settled.await) }).await;
                (looked, settled.unwrap_or_else(|| vec![None; keys.len()]))
            }
        };
        let (mut hads, mut useless) = (Vec::with_capacity(keys.len()), Vec::new());
        for ((key, looked), generation) in keys.iter().zip(looked).zip(generations) {
            // Without its generation, what is there cannot be told from what was removed.
            let looked = if self.generations.is_some() && generation.is_none() {
                Looked::Missing(None)
            } else {
                looked
            };
            match self.judge(key, form, looked, generation.as_ref()) {
                Some(had) => hads.push(had),
                None => {
                    useless.push((hads.len(), key.as_str(), generation));
                    hads.push(Had::Nothing(None));
                }
            }
            // Values are decoded here, and the thread may have others to serve.
            if hads.len().is_multiple_of(TOGETHER) {
                yield_now().await;
            }
        }
        let replaced: Vec<&str> = useless.iter().map(|(_, key, _)| *key).collect();
        let tokens = self.guarded.reserve_each(&replaced, &mut Failed::default()).await;
        for ((place, _, generation), token) in useless.into_iter().zip(tokens) {
            hads[place] = Had::Nothing(token.map(|token| Permit { token, generation }));
        }
        hads
    }

    /// The right to fill each, whether or not something is there.
    pub(crate) async fn reserve_many(&self, keys: &[&str], failed: &mut Failed) -> Vec<Option<Permit>> {
        if keys.is_empty() {
            return Vec::new();
        }
        let generations = match &self.generations {
            None => vec![None; keys.len()],
            Some(generations) => {
                let generations = generations.look_each_alone(&self.guarded, keys).await;
                // Without one there is nothing that a token would be good for.
                if generations.iter().all(Option::is_none) {
                    failed.add(&self.guarded);
                    return keys.iter().map(|_| None).collect();
                }
                generations
            }
        };
        let tokens = self.guarded.reserve_each(keys, failed).await;
        let each = tokens.into_iter().zip(generations).map(|(token, generation)| {
            let token = token.filter(|_| self.generations.is_none() || generation.is_some())?;
            Some(Permit { token, generation })
        });
        each.collect()
    }

    /// Stores each under its permit, in one round trip; refusals are counted and no failure. Whether the store has stored each.
    pub(crate) async fn fill_many(&self, entering: &[Entering<'_>], failed: &mut Failed) -> Vec<bool> {
        let bytes: Vec<_> = entering
            .iter()
            .map(|one| one.sealed.under(one.permit.generation.as_ref()))
            .collect();
        let fills: Vec<Filling<'_>> = entering
            .iter()
            .zip(&bytes)
            .map(|(one, bytes)| Filling {
                key: one.key,
                bytes,
                ttl: self.life(one.plan),
                token: &one.permit.token,
            })
            .collect();
        let filled = self.guarded.fill_each(&fills, failed).await;
        let refused = filled.iter().filter(|filled| **filled == Some(Filled::Refused));
        self.refused.add(refused.count());
        filled
            .iter()
            .map(|filled| *filled == Some(Filled::Stored))
            .collect()
    }

    /// The right to store each, as [`claim`](Remote::claim) would give it; `None` where it cannot be had.
    pub(crate) fn claim_many<'a>(
        &'a self,
        keys: &'a [String],
        failed: &'a mut Failed,
    ) -> BoxFuture<'a, Vec<Option<Claim>>> {
        Box::pin(self.claim_each(keys, failed))
    }

    async fn claim_each(&self, keys: &[String], failed: &mut Failed) -> Vec<Option<Claim>> {
        let mut claims = Vec::with_capacity(keys.len());
        let has_tokens = self.guarded.store().guarantees().tokens;
        for keys in keys.chunks(TOGETHER) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let some: Vec<Option<Claim>> = if has_tokens {
                let permits = self.reserve_many(&keys, failed).await.into_iter();
                permits
                    .map(|permit| permit.map(|permit| self.claimed(permit)))
                    .collect()
            } else {
                let some = together::all(keys.iter().map(|key| Box::pin(self.claim(key))).collect()).await;
                some.iter().for_each(|claim| failed.note(&self.guarded, claim));
                some.into_iter().map(Result::ok).collect()
            };
            let none = some.iter().all(Option::is_none);
            claims.extend(some);
            // A store that does not answer is not asked again.
            if none {
                break;
            }
        }
        claims.resize_with(keys.len(), || None);
        claims
    }

    /// Stores each as [`put`](Remote::put) would; `None` where the store does not take it. One round trip, where the store
    /// has tokens.
    pub(crate) fn put_many<'a>(
        &'a self,
        putting: &'a [Putting<'a>],
        failed: &'a mut Failed,
    ) -> BoxFuture<'a, Vec<Option<Filled>>> {
        Box::pin(self.put_each(putting, failed))
    }

    async fn put_each(&self, putting: &[Putting<'_>], failed: &mut Failed) -> Vec<Option<Filled>> {
        let tokens: Option<Vec<_>> = putting.iter().map(|one| one.claim.token.as_ref()).collect();
        let Some(tokens) = tokens else {
            let mut answers = Vec::with_capacity(putting.len());
            for some in putting.chunks(BESIDE) {
                // At once, so each has a memory of its own.
                let mut each: Vec<Failed> = some.iter().map(|_| failed.clone()).collect();
                let puts = some.iter().zip(&mut each).map(|(one, failed)| {
                    Box::pin(self.put(one.key, one.sealed, one.plan, one.claim, failed))
                });
                let some = together::all(puts.collect()).await;
                each.iter().for_each(|each| failed.extend(each));
                answers.extend(some.into_iter().map(Result::ok));
            }
            return answers;
        };
        let bytes: Vec<_> = putting
            .iter()
            .map(|one| one.sealed.under(one.claim.generation.as_ref()))
            .collect();
        let fills = putting
            .iter()
            .zip(&bytes)
            .zip(tokens)
            .map(|((one, bytes), token)| Filling {
                key: one.key,
                bytes,
                ttl: self.life(one.plan),
                token,
            });
        let fills: Vec<Filling<'_>> = fills.collect();
        self.guarded.put_each(&fills, failed).await
    }
}

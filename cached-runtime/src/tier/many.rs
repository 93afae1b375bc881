//! Many keys of a remote tier at once, each of them treated as if it had been asked for alone.

use std::time::Instant;

use tokio::task::yield_now;

use super::remote::{Form, Had, Permit, Remote, Sealed};
use crate::plan::Plan;
use crate::resilience::{Looked, TOGETHER};
use crate::store::Filling;

/// One of several entries to be stored.
pub(crate) struct Entering<'a> {
    pub(crate) key: &'a str,
    pub(crate) sealed: &'a Sealed,
    pub(crate) plan: &'a Plan,
    pub(crate) permit: &'a Permit,
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
        let tokens = self.guarded.reserve_each(&replaced).await;
        for ((place, _, generation), token) in useless.into_iter().zip(tokens) {
            hads[place] = Had::Nothing(token.map(|token| Permit { token, generation }));
        }
        hads
    }

    /// The right to fill each, whether or not something is there.
    pub(crate) async fn reserve_many(&self, keys: &[&str]) -> Vec<Option<Permit>> {
        let generations = match &self.generations {
            None => vec![None; keys.len()],
            Some(generations) => generations.look_each_alone(&self.guarded, keys).await,
        };
        let tokens = self.guarded.reserve_each(keys).await;
        let each = tokens.into_iter().zip(generations).map(|(token, generation)| {
            let token = token.filter(|_| self.generations.is_none() || generation.is_some())?;
            Some(Permit { token, generation })
        });
        each.collect()
    }

    /// Stores each under its permit, in one round trip; refusals are counted and no failure.
    pub(crate) async fn fill_many(&self, entering: &[Entering<'_>]) {
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
        if let Ok(refused) = self.guarded.fill_each(&fills).await {
            self.refused.add(refused);
        }
    }
}

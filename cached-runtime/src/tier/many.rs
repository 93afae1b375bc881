//! Many keys of a remote tier at once, each of them treated as if it had been asked for alone.

use std::time::Duration;

use tokio::task::yield_now;

use super::generation::Generation;
use super::remote::{Form, Had, Permit, Remote, Sealed};
use crate::resilience::{Looked, TOGETHER};
use crate::store::Filling;

/// One of several entries to be stored.
pub(crate) struct Entering<'a> {
    pub(crate) key: &'a str,
    pub(crate) sealed: &'a Sealed,
    pub(crate) ttl: Option<Duration>,
    pub(crate) permit: &'a Permit,
}

/// What the bytes under one key turned out to be.
enum Read {
    Had(Had),
    /// Nothing that counts; the load may replace it, under this generation.
    Useless(Option<Generation>),
}

impl Remote {
    /// What there is for each key, in their order: one round trip, and another where something has to be replaced.
    pub(crate) async fn get_many(&self, keys: &[String], form: &Form<'_>) -> Vec<Had> {
        let looked = match &self.generations {
            None => {
                let looked = self.guarded.get_each(keys).await;
                looked.into_iter().map(|looked| (None, looked)).collect()
            }
            Some(generations) => generations.look_each(&self.guarded, keys).await,
        };
        let mut read = Vec::with_capacity(keys.len());
        for (key, (generation, looked)) in keys.iter().zip(looked) {
            read.push(self.read(key, generation, looked, form));
            // Values are decoded here, and the thread may have others to serve.
            if read.len().is_multiple_of(TOGETHER) {
                yield_now().await;
            }
        }
        let useless = keys
            .iter()
            .zip(&read)
            .filter(|(_, read)| matches!(read, Read::Useless(_)));
        let useless: Vec<&str> = useless.map(|(key, _)| key.as_str()).collect();
        let mut tokens = self.guarded.reserve_each(&useless).await.into_iter();
        let each = read.into_iter().map(|read| match read {
            Read::Had(had) => had,
            Read::Useless(generation) => {
                let token = tokens.next().flatten();
                Had::Nothing(token.map(|token| Permit { token, generation }))
            }
        });
        each.collect()
    }

    fn read(&self, key: &str, generation: Option<Generation>, looked: Looked, form: &Form<'_>) -> Read {
        let missing = |permit| {
            self.misses.add_one();
            Read::Had(Had::Nothing(permit))
        };
        // Whatever is there cannot be told from what was removed.
        if self.generations.is_some() && generation.is_none() {
            return missing(None);
        }
        let opened = match looked {
            Looked::Missing(token) => return missing(token.map(|token| Permit { token, generation })),
            Looked::Unreadable(error) => Err(error),
            Looked::Found(found) => {
                let bytes = match &generation {
                    None => Some(found.bytes),
                    Some(generation) => generation.unmark(found.bytes),
                };
                let Some(bytes) = bytes else {
                    self.misses.add_one();
                    return Read::Useless(generation);
                };
                form.open(key, &bytes).map(|content| (content, found.remaining))
            }
        };
        match opened {
            Ok((content, remaining)) => {
                self.hits.add_one();
                Read::Had(Had::Entry { content, remaining })
            }
            Err(error) => {
                tracing::debug!(store = self.guarded.name(), key, %error, "an entry cannot be read and will be replaced");
                self.rejected.add_one();
                self.misses.add_one();
                Read::Useless(generation)
            }
        }
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
                ttl: self.life(one.ttl),
                token: &one.permit.token,
            })
            .collect();
        if let Ok(refused) = self.guarded.fill_each(&fills).await {
            self.refused.add(refused);
        }
    }
}

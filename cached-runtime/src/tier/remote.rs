//! A remote tier of one function: a guarded store, and the envelope that its bytes travel in.
//!
//! Called by the call path, by fills and by the handles. Whatever cannot be read is a miss, is counted, and comes back
//! with a token, so that the load that follows replaces it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::codec::Codec;
use crate::codec::envelope::{self, Header};
use crate::entry::Content;
use crate::hooks;
use crate::plan::Plan;
use crate::policy::Spec;
use crate::resilience::{Failed, Guarded, Looked, Troubles};
use crate::stats::{Count, TierStats};
use crate::store::{Filled, Token};
use crate::tier::age::{left, since_epoch};
use crate::tier::generation::{self, Generation, Generations};
use crate::{Error, ErrorKind};

pub(crate) struct Remote {
    pub(crate) guarded: Arc<Guarded>,
    /// The longest life an entry has here.
    ttl: Option<Duration>,
    /// Where the store cannot find keys by pattern.
    pub(super) generations: Option<Generations>,
    hits: Count,
    misses: Count,
    rejected: Count,
    pub(super) refused: Count,
}

/// What a remote tier had.
pub(crate) enum Had {
    Entry {
        content: Content,
        /// What is left of its life.
        plan: Plan,
    },
    /// Nothing, and the right to fill it; none where the store could not be asked.
    Nothing(Option<Permit>),
}

/// The right to fill a key: the store's token, and the generation that an entry loaded under it belongs to.
pub(crate) struct Permit {
    pub(super) token: Token,
    pub(super) generation: Option<Generation>,
}

/// The right to put an entry: as a permit, of a store that may have no tokens.
pub(crate) struct Claim {
    pub(super) token: Option<Token>,
    pub(super) generation: Option<Generation>,
    /// Of the time that claiming and putting may take together.
    left: Duration,
}

/// How the function's values look as bytes.
pub(crate) struct Form<'a> {
    pub(crate) hooks: &'a hooks::Remote,
    pub(crate) codec: Codec,
    pub(crate) fingerprint: u64,
    /// The function's.
    pub(crate) name: &'a str,
    pub(crate) troubles: &'a Troubles,
    pub(crate) spec: &'a Spec,
    /// The function can say that there is nothing.
    pub(crate) absent: bool,
}

/// A value as the bytes of an entry.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
}

impl Remote {
    /// Of the cache of this name. A store that can find its keys needs no generations.
    pub(crate) fn new(guarded: Arc<Guarded>, ttl: Option<Duration>, prefix: &str, name: &str) -> Self {
        let generations = (!guarded.has_patterns()).then(|| Generations::new(guarded.store(), prefix, name));
        let [hits, misses, rejected, refused] = Default::default();
        Self {
            guarded,
            ttl,
            generations,
            hits,
            misses,
            rejected,
            refused,
        }
    }

    /// What there is for `key`, asked for by a look that has just `begun`. Its life left is told if `life` asks for it.
    pub(crate) async fn get(&self, key: &str, form: &Form<'_>, life: bool, begun: Instant) -> Had {
        let (looked, generation) = match &self.generations {
            None => (self.guarded.get(key, life, begun).await, None),
            Some(generations) => {
                let looked = async {
                    let (beside, looked) = generations.look(&self.guarded, key).await;
                    let settled = generations.settle(&self.guarded, key, beside);
                    match self.in_time(begun, settled).await {
                        Some(generation) => (looked, Some(generation)),
                        // Whatever is there cannot be told from what was removed.
                        None => (Looked::Missing(None), None),
                    }
                };
                Box::pin(looked).await
            }
        };
        match self.judge(key, form, looked, generation.as_ref()) {
            Some(had) => had,
            None => self.replace(key, begun, generation).await,
        }
    }

    /// What comes of what was found; `None` where that is a miss and to be replaced.
    pub(super) fn judge(
        &self,
        key: &str,
        form: &Form<'_>,
        looked: Looked,
        generation: Option<&Generation>,
    ) -> Option<Had> {
        let reject = |error: &Error| {
            tracing::debug!(store = self.guarded.name(), key, error = %error.chain(), "an entry cannot be read and will be replaced");
            self.rejected.add_one();
            self.misses.add_one();
        };
        let found = match looked {
            Looked::Found(found) => found,
            Looked::Missing(token) => {
                self.misses.add_one();
                return Some(Had::Nothing(token.map(|token| Permit {
                    token,
                    generation: generation.cloned(),
                })));
            }
            Looked::Unreadable(error) => {
                reject(&error);
                return None;
            }
        };
        let bytes = match generation {
            None => found.bytes,
            Some(generation) => match generation.unmark(found.bytes) {
                Some(bytes) => bytes,
                None => {
                    self.misses.add_one();
                    return None;
                }
            },
        };
        match form.open(key, &bytes) {
            Ok((content, header)) => {
                // Kept for those who take what is stale, of whom this function may be none.
                let Some(plan) = left(form.spec, &header, found.remaining) else {
                    self.misses.add_one();
                    return None;
                };
                self.hits.add_one();
                Some(Had::Entry { content, plan })
            }
            Err(error) => {
                reject(&error);
                None
            }
        }
    }

    /// The right to replace what is there, if the store can say so in what is left of its time.
    async fn replace(&self, key: &str, begun: Instant, generation: Option<Generation>) -> Had {
        // Boxed, as all that a hit has no use for: the future of a look is made for every call.
        let reserved = async { self.guarded.reserve(key).await.ok() };
        let token = Box::pin(self.in_time(begun, reserved)).await;
        Had::Nothing(token.map(|token| Permit { token, generation }))
    }

    /// What comes of `work` in what is left of the budget of a call that has `begun`.
    pub(super) async fn in_time<T>(
        &self,
        begun: Instant,
        work: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let left = self.guarded.budget().saturating_sub(begun.elapsed());
        self.guarded.timed(left, work).ok()?.await.ok().flatten()
    }

    /// The generation that an entry stored now belongs to; `Err` where there must be one and cannot.
    async fn generation(&self, key: &str) -> Result<Option<Generation>, Error> {
        let Some(generations) = &self.generations else {
            return Ok(None);
        };
        let begun = Instant::now();
        let looked = generations.look_alone(&self.guarded, key).await;
        match self
            .in_time(begun, generations.settle(&self.guarded, key, looked))
            .await
        {
            Some(generation) => Ok(Some(generation)),
            None => Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "store `{}` does not say which of its entries still count",
                    self.guarded.name()
                ),
            )),
        }
    }

    /// The right to fill whether or not something is there.
    pub(crate) async fn reserve(&self, key: &str) -> Result<Permit, Error> {
        let generation = self.generation(key).await?;
        let token = self.guarded.reserve(key).await?;
        Ok(Permit { token, generation })
    }

    /// How long an entry stays fresh that is there and counts.
    pub(crate) async fn remaining(
        &self,
        key: &str,
        form: &Form<'_>,
    ) -> Result<Option<Option<Duration>>, Error> {
        let ages = form.spec.ages();
        let (bytes, remaining) = match &self.generations {
            None if !ages => return self.guarded.remaining(key).await,
            None => match self.guarded.get(key, true, Instant::now()).await {
                Looked::Found(entry) => (entry.bytes, entry.remaining),
                _ => return Ok(None),
            },
            Some(generations) => {
                let (beside, looked) = generations.look(&self.guarded, key).await;
                let (Some(generation), Looked::Found(entry)) = (generation::found(&beside), looked) else {
                    return Ok(None);
                };
                match generation.unmark(entry.bytes) {
                    Some(bytes) => (bytes, entry.remaining),
                    None => return Ok(None),
                }
            }
        };
        if !ages {
            return Ok(Some(remaining));
        }
        // The store keeps it for longer than it is fresh, and only the entry knows by how much.
        let plan = form.open(key, &bytes).ok();
        let plan = plan.and_then(|(_, header)| left(form.spec, &header, remaining));
        Ok(plan.map(|plan| match (plan.ttl, remaining) {
            (Some(ttl), Some(remaining)) => Some(ttl.min(remaining)),
            (ttl, remaining) => ttl.or(remaining),
        }))
    }

    /// Stores under a permit; a refusal is counted and no failure.
    pub(crate) async fn fill(
        &self,
        key: &str,
        sealed: &Sealed,
        plan: &Plan,
        permit: &Permit,
    ) -> Result<Filled, Error> {
        let bytes = sealed.under(permit.generation.as_ref());
        let filled = self
            .guarded
            .fill(key, &bytes, self.life(plan), &permit.token)
            .await?;
        if filled == Filled::Refused {
            self.refused.add_one();
        }
        Ok(filled)
    }

    /// The right to store what no load will bring, of which the value is not known yet.
    pub(crate) async fn claim(&self, key: &str) -> Result<Claim, Error> {
        let begun = Instant::now();
        let generation = self.generation(key).await?;
        let token = self.guarded.claim(key).await?;
        Ok(Claim {
            token,
            generation,
            left: self.guarded.budget().saturating_sub(begun.elapsed()),
        })
    }

    /// A permit is a claim too.
    pub(super) fn claimed(&self, permit: Permit) -> Claim {
        Claim {
            token: Some(permit.token),
            generation: permit.generation,
            left: self.guarded.budget(),
        }
    }

    /// Stores under a claim, unless somebody else has put or removed the same entry since.
    pub(crate) async fn put(
        &self,
        key: &str,
        sealed: &Sealed,
        plan: &Plan,
        claim: &Claim,
        failed: &mut Failed,
    ) -> Result<Filled, Error> {
        let bytes = sealed.under(claim.generation.as_ref());
        let (life, token) = (self.life(plan), claim.token.as_ref());
        self.guarded
            .put(key, &bytes, life, token, claim.left, failed)
            .await
    }

    /// The longest life that an entry has here.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    pub(super) fn life(&self, plan: &Plan) -> Option<Duration> {
        plan.at_most(self.ttl).unread()
    }

    pub(crate) fn stats(&self) -> TierStats {
        TierStats {
            store: self.guarded.name().to_owned(),
            hits: self.hits.get(),
            misses: self.misses.get(),
            rejected: self.rejected.get(),
            refused: self.refused.get(),
            ..TierStats::default()
        }
    }
}

impl Sealed {
    pub(super) fn under(&self, generation: Option<&Generation>) -> Cow<'_, [u8]> {
        match generation {
            None => Cow::Borrowed(&self.bytes),
            Some(generation) => Cow::Owned(generation.mark(&self.bytes)),
        }
    }
}

impl Form<'_> {
    fn open(&self, key: &str, bytes: &[u8]) -> Result<(Content, Header), Error> {
        let opened = envelope::open(bytes, self.fingerprint, envelope::key_check(key))
            .map_err(|rejected| Error::new(ErrorKind::Decode, rejected.to_string()))?;
        if opened.header.none {
            return if self.absent {
                Ok((Content::Absent, opened.header))
            } else {
                Err(Error::new(ErrorKind::Decode, "no value where there must be one"))
            };
        }
        let decoded = self.hooks.decode(&opened.payload, opened.header.codec);
        // It is whole, and of this type as far as that can be told: more than one that has been left from before.
        let value = decoded.inspect_err(|error| {
            self.tell(
                error,
                "what a tier below memory keeps of a value cannot be read; it is loaded anew",
            );
        })?;
        Ok((Content::Value(value), opened.header))
    }

    pub(crate) fn seal(&self, key: &str, content: &Content, plan: &Plan) -> Result<Sealed, Error> {
        let mut payload = Vec::new();
        if let Content::Value(value) = content {
            let encoded = self.hooks.encode(value, self.codec, &mut payload);
            encoded.inspect_err(|error| {
                self.tell(
                    error,
                    "a value cannot be turned into bytes; no tier below memory keeps it",
                );
            })?;
        }
        let header = Header {
            codec: self.codec,
            none: matches!(content, Content::Absent),
            fingerprint: self.fingerprint,
            birth_ms: milliseconds(since_epoch().saturating_sub(plan.age)),
            ttl_ms: plan.whole.map(milliseconds),
            // All of it, of which the entry's life in the store says what is left.
            stale_ms: self
                .spec
                .stale
                .filter(|_| !plan.stale.is_zero())
                .map(milliseconds),
            fallback_ms: None,
            tags: Vec::new(),
            key_check: envelope::key_check(key),
        };
        Ok(Sealed {
            bytes: envelope::seal(&header, &payload, self.spec.compress),
        })
    }

    fn tell(&self, error: &Error, what: &str) {
        let chain = error.chain();
        if let Some(untold) = self.troubles.note(&chain) {
            tracing::warn!(function = self.name, error = %chain, unlogged = untold, "{what}");
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

//! A remote tier of one function: a guarded store, and the envelope that its bytes travel in.
//!
//! Called by the call path, by fills and by the handles. Whatever cannot be read is a miss, is counted, and comes back
//! with a token, so that the load that follows replaces it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::codec::Codec;
use crate::codec::envelope::{self, Header};
use crate::entry::Content;
use crate::hooks;
use crate::resilience::{Guarded, Looked};
use crate::stats::{Count, TierStats};
use crate::store::{Filled, Token};
use crate::{Error, ErrorKind};

pub(crate) struct Remote {
    pub(crate) guarded: Arc<Guarded>,
    /// The longest life an entry has here.
    ttl: Option<Duration>,
    hits: Count,
    misses: Count,
    rejected: Count,
    refused: Count,
}

/// What a remote tier had.
pub(crate) enum Had {
    Entry {
        content: Content,
        remaining: Option<Duration>,
    },
    /// Nothing, and the token for filling it; none where the store could not be asked.
    Nothing(Option<Token>),
}

/// How the function's values look as bytes.
pub(crate) struct Form<'a> {
    pub(crate) hooks: &'a hooks::Remote,
    pub(crate) codec: Codec,
    pub(crate) fingerprint: u64,
    pub(crate) compress: Option<usize>,
    /// The function can say that there is nothing.
    pub(crate) absent: bool,
}

/// A value as the bytes of an entry.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
}

impl Remote {
    pub(crate) fn new(guarded: Arc<Guarded>, ttl: Option<Duration>) -> Self {
        let [hits, misses, rejected, refused] = Default::default();
        Self {
            guarded,
            ttl,
            hits,
            misses,
            rejected,
            refused,
        }
    }

    pub(crate) async fn get(&self, key: &str, form: &Form<'_>) -> Had {
        let begun = Instant::now();
        let found = match self.guarded.get(key).await {
            Looked::Found(found) => found,
            Looked::Missing(token) => {
                self.misses.add_one();
                return Had::Nothing(token);
            }
            Looked::Unreadable(error) => return self.reject(key, &error, begun).await,
        };
        match form.open(key, &found.bytes) {
            Ok(content) => {
                self.hits.add_one();
                Had::Entry {
                    content,
                    remaining: found.remaining,
                }
            }
            Err(error) => self.reject(key, &error, begun).await,
        }
    }

    /// What is there is a miss, and the load may replace it, if the store can say so in what is left of its time.
    async fn reject(&self, key: &str, error: &Error, begun: Instant) -> Had {
        tracing::debug!(store = self.guarded.name(), key, %error, "an entry cannot be read and will be replaced");
        self.rejected.add_one();
        self.misses.add_one();
        let left = self.guarded.budget().saturating_sub(begun.elapsed());
        let token = tokio::time::timeout(left, self.guarded.reserve(key)).await;
        Had::Nothing(token.ok().flatten())
    }

    /// Stores under a token; a refusal is counted and no failure.
    pub(crate) async fn fill(&self, key: &str, sealed: &Sealed, ttl: Option<Duration>, token: &Token) {
        if let Ok(Filled::Refused) = self.guarded.fill(key, &sealed.bytes, self.life(ttl), token).await {
            self.refused.add_one();
        }
    }

    /// Stores whatever was there.
    pub(crate) async fn put(&self, key: &str, sealed: &Sealed, ttl: Option<Duration>) -> Result<(), Error> {
        self.guarded.put(key, &sealed.bytes, self.life(ttl)).await
    }

    fn life(&self, ttl: Option<Duration>) -> Option<Duration> {
        match (ttl, self.ttl) {
            (Some(wanted), Some(most)) => Some(wanted.min(most)),
            (wanted, most) => wanted.or(most),
        }
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

impl Form<'_> {
    fn open(&self, key: &str, bytes: &[u8]) -> Result<Content, Error> {
        let opened = envelope::open(bytes, self.fingerprint, envelope::key_check(key))
            .map_err(|rejected| Error::new(ErrorKind::Decode, rejected.to_string()))?;
        if opened.header.none {
            return if self.absent {
                Ok(Content::Absent)
            } else {
                Err(Error::new(ErrorKind::Decode, "no value where there must be one"))
            };
        }
        self.hooks
            .decode(&opened.payload, opened.header.codec)
            .map(Content::Value)
    }

    pub(crate) fn seal(&self, key: &str, content: &Content, ttl: Option<Duration>) -> Result<Sealed, Error> {
        let mut payload = Vec::new();
        if let Content::Value(value) = content {
            self.hooks.encode(value, self.codec, &mut payload)?;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let header = Header {
            codec: self.codec,
            none: matches!(content, Content::Absent),
            fingerprint: self.fingerprint,
            birth_ms: milliseconds(since),
            ttl_ms: ttl.map(milliseconds),
            stale_ms: None,
            fallback_ms: None,
            tags: Vec::new(),
            key_check: envelope::key_check(key),
        };
        Ok(Sealed {
            bytes: envelope::seal(&header, &payload, self.compress),
        })
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

//! The contract of a store: a place outside this process that keeps bytes under keys.
//!
//! Called by the tiers only. A store knows nothing of functions, values, codecs or flights; it moves bytes and keeps
//! one promise about order, the *token*:
//!
//! * A look-up that misses hands out a token for the key, in the same round trip.
//! * [`fill`](Store::fill) presents it, and the store takes the bytes only if the token still stands.
//! * [`put`](Store::put), [`remove`](Store::remove) and [`remove_matching`](Store::remove_matching) revoke every token
//!   of the keys they touch, in one step with the change itself.
//!
//! So whatever the source said before an invalidation can never be stored after it, whichever process loaded it. A
//! store that cannot do this says so in its [`Guarantees`].
//!
//! Keys are UTF-8 text without control characters: the namespace, `:`, and the rendered key. Patterns are Redis globs
//! over such keys.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::together::{self, BESIDE};
use crate::{Error, ErrorKind};

/// A boxed future that may cross threads: what the methods of [`Store`] return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The key is present.
    Found(Found),
    /// The key is absent; a fill with this token is accepted until something revokes it.
    Missing(Token),
}

/// Bytes that a store held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As they were written.
    pub bytes: Vec<u8>,
    /// The life left, told by the store's own clock. `None`: no expiry.
    pub remaining: Option<Duration>,
}

/// The right to fill one key once, until revoked. Opaque to everyone but the store that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

impl Token {
    /// A token made of bytes that mean something to the store.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes it was made of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How long the tier above waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct TimeBudget {
    begun: Instant,
    whole: Duration,
}

impl TimeBudget {
    /// So long from `begun` on.
    #[must_use]
    pub fn since(begun: Instant, whole: Duration) -> Self {
        Self { begun, whole }
    }

    /// All of it, spent or not.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.whole
    }

    /// When it is spent.
    #[must_use]
    pub fn end(&self) -> Instant {
        // As tokio does where a time is too far away to be one.
        let far = || self.begun + Duration::from_secs(86_400 * 365 * 30);
        self.begun.checked_add(self.whole).unwrap_or_else(far)
    }
}

/// One of several fills that travel together.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The full key.
    pub key: &'a str,
    /// What is to be stored under it.
    pub bytes: &'a [u8],
    /// For how long; `None`: until removed.
    pub ttl: Option<Duration>,
    /// The right to do so.
    pub token: &'a Token,
}

/// What became of a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The bytes are stored.
    Stored,
    /// The token no longer stood; nothing was stored.
    Refused,
}

/// What a store promises beyond keeping bytes. Defaults to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarantees {
    /// A fill is refused once its key was invalidated, whichever process invalidated it.
    pub tokens: bool,
    /// Keys can be found by pattern, so that [`Store::remove_matching`] works. Without it whole caches are voided by a
    /// generation kept beside each entry, and a pattern is an error.
    pub patterns: bool,
}

impl Guarantees {
    /// Everything.
    pub const ALL: Self = Self {
        tokens: true,
        patterns: true,
    };

    /// The same without tokens: a fill that is on its way to the store may bring back what an invalidation has removed, of this
    /// process or of another.
    #[must_use]
    pub const fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// The same without patterns: [`Store::remove_matching`] answers [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    #[must_use]
    pub const fn without_patterns(mut self) -> Self {
        self.patterns = false;
        self
    }
}

/// A place that keeps bytes under keys.
///
/// Every method may be called from many tasks at once. None retries, and none but [`get_within`](Store::get_within) needs a
/// time-out of its own: the tier above drops a call that takes too long, so futures must be safe to drop at any await. An
/// error says that the store may or may not have done what was asked.
///
/// # Errors
///
/// Whatever the kind, a look-up that fails is a miss, a value that is not taken is removed, and a removal that fails is done
/// again until it succeeds. The kind says what becomes of the store as a whole:
///
/// | kind | of | meaning, and what follows |
/// |---|---|---|
/// | [`Unavailable`](ErrorKind::Unavailable) | every method | it does not answer, or is not ready to; after three in a row nobody asks until [`ping`](Store::ping) is answered. Not where the error is [of a part](Error::of_a_part) |
/// | [`Configuration`](ErrorKind::Configuration) | every method | it serves nobody as it is set up: credentials, database or table are refused. The same, but that a call now and then is let through |
/// | [`Store`](ErrorKind::Store) | every method | it answered with any other error, as one that takes no writes or not this value does; it is asked as before, and the error is logged, each reason once a minute |
/// | [`Decode`](ErrorKind::Decode) | look-ups | see [`get`](Store::get) |
/// | [`Unsupported`](ErrorKind::Unsupported) | [`touch`](Store::touch), [`remove_matching`](Store::remove_matching) | it has no such thing |
/// | [`Closed`](ErrorKind::Closed) | every method | after [`close`](Store::close) |
pub trait Store: Send + Sync + 'static {
    /// What this store promises.
    fn guarantees(&self) -> Guarantees {
        Guarantees::ALL
    }

    /// Looks `key` up. A miss hands out a token; two misses before a fill may be given the same one. An error of kind
    /// [`Decode`](crate::ErrorKind::Decode) says that something is there which is not bytes: it will be replaced.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>>;

    /// The same for a caller that has no use for the life left, which may then be `None` whatever it is. For stores that
    /// have to ask for it; as it stands, [`get`](Store::get).
    fn get_bytes<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        self.get(key)
    }

    /// [`get`](Store::get), or [`get_bytes`](Store::get_bytes) where `life` does not ask for the life left, given up when
    /// `budget` is spent: `None`. Calls of cached functions look single keys up with this, and rely on its end. As it stands,
    /// with a timer for each of them, armed and taken back in a wheel that all threads share; a store that looks many
    /// keys up at once may have one timer for all, and of a budget of which some has been spent before the call be
    /// some hundredths of a second late.
    fn get_within<'a>(
        &'a self,
        key: &'a str,
        life: bool,
        budget: TimeBudget,
    ) -> BoxFuture<'a, Option<Result<Lookup, Error>>> {
        Box::pin(async move {
            let call = if life { self.get(key) } else { self.get_bytes(key) };
            timeout_at(budget.end(), call).await.ok()
        })
    }

    /// A token for `key` whether or not it is present, revoking those handed out before: for a load that replaces what
    /// is there. Errors: `Unavailable`, `Configuration`, `Store`, `Closed`, as above; the load is then not kept here.
    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>>;

    /// Stores `bytes` for `ttl` (`None`: until removed) if `token` still stands for `key`, and uses the token up. That it does
    /// not stand is an answer, [`Filled::Refused`]. Errors: `Unavailable`, `Configuration`, `Store` (of a value that is too large
    /// too), `Closed`, as above.
    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>>;

    /// Looks several keys up and answers in their order, each as [`get`](Store::get) would. One round trip where the
    /// store has a way to ask for many (for each server that holds some of them); as it stands, some of them at a time.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Vec<Result<Lookup, Error>>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(keys.len());
            for keys in keys.chunks(BESIDE) {
                answers.extend(together::all(keys.iter().map(|key| self.get(key)).collect()).await);
            }
            answers
        })
    }

    /// Several fills, each as [`fill`](Store::fill) would do it, answered in their order. None of them depends on
    /// another. As it stands, some of them at a time.
    fn fill_many<'a>(&'a self, fills: &'a [Filling<'a>]) -> BoxFuture<'a, Vec<Result<Filled, Error>>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(fills.len());
            for fills in fills.chunks(BESIDE) {
                let fills = fills
                    .iter()
                    .map(|fill| self.fill(fill.key, fill.bytes, fill.ttl, fill.token));
                answers.extend(together::all(fills.collect()).await);
            }
            answers
        })
    }

    /// Gives an entry that is present a life of `ttl` from now on, and says whether it was. Changes neither its bytes
    /// nor any token. A store that has no such thing answers [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported),
    /// as it stands.
    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        let _ = (key, ttl);
        let what = format!("{} cannot change the life of an entry", self.describe());
        Box::pin(std::future::ready(Err(Error::new(ErrorKind::Unsupported, what))))
    }

    /// Stores `bytes` for `ttl` whatever was there, and revokes every token of `key`. Errors as of [`fill`](Store::fill); the
    /// entry is then removed, now or by replay.
    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes `keys` and revokes their tokens. An absent key is no error. Errors: `Unavailable`, `Configuration`, `Store`,
    /// `Closed`, as above; until it has succeeded none of the keys is read or filled.
    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes every key that matches the glob `pattern` and for which `wanted` holds, revokes the tokens of all such
    /// keys, present or not, and says how many entries it removed. Works in bounded batches; entries filled meanwhile
    /// under a token handed out meanwhile may stay. Errors as of [`remove`](Store::remove); `Unsupported` of a store whose
    /// [`guarantees`](Store::guarantees) say that it has no patterns.
    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Of how many parts the store consists that can be lost one without the other, as several servers are. What must be
    /// read together with an entry is kept in the same part.
    fn parts(&self) -> usize {
        1
    }

    /// The part that keeps `key`, from 0 on; always the same one.
    fn part_of(&self, key: &str) -> usize {
        let _ = key;
        0
    }

    /// The life left of `key` by the store's clock; `None` if absent, `Some(None)` if it never expires. Errors as of
    /// [`get`](Store::get).
    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>>;

    /// Answers if the store can be reached and serves; any error says that it does not. Asked while it is taken to be down, and
    /// before [`remove_matching`](Store::remove_matching), which may take long.
    fn ping(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Lets go of connections. Calls after this may fail.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// How the store describes itself in the line logged at start, without passwords: `redis://10.0.0.7:6379/0`.
    fn describe(&self) -> String;
}

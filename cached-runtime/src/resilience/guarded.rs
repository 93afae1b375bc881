//! A store with a budget, a breaker and a memory for what it still has to remove: looking, storing, and how one call is
//! made. Removing is in `removal`, what is wrong with it is told in `troubles`, and how a store that was lost is found
//! again in `healing`.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::try_id;
use tokio::time::{Instant, Timeout, timeout};

use super::breaker::Breaker;
use super::failed::Failed;
use super::healing::Healer;
use super::owned::Owned;
use super::pending::Pending;
use super::troubles::Troubles;
use crate::background::{Background, Counted};
use crate::store::{Filled, Found, Lookup, Store, TimeBudget, Token};
use crate::{Error, ErrorKind};

/// What looking came to. A store that cannot be asked is a miss without a token.
pub(crate) enum Looked {
    Found(Found),
    Missing(Option<Token>),
    /// Something that no store of this kind has written.
    Unreadable(Error),
}

/// A named store of a `Caches`, shared by all functions that use it.
pub(crate) struct Guarded {
    pub(super) name: String,
    pub(super) store: Arc<dyn Store>,
    pub(super) budget: Duration,
    /// Every key this process may have written, for when single removals are too many to keep.
    pub(super) owned: Arc<Owned>,
    pub(super) breaker: Breaker,
    pub(super) pending: Pending,
    /// While something is pending and a task is at it.
    pub(super) owed: Mutex<Option<Counted>>,
    /// The task that is at work to reach the store again.
    pub(super) healer: Healer,
    /// Nobody will reach the store again.
    pub(super) closed: AtomicBool,
    pub(super) background: Background,
    pub(super) failures: AtomicU64,
    /// It was given up because it refuses what it is asked, which a probe may not notice.
    pub(super) refusing: AtomicBool,
    pub(super) troubles: Troubles,
    pub(super) untaken: Troubles,
    pub(super) last_error: Mutex<String>,
}

impl Guarded {
    pub(crate) fn new(
        name: &str,
        store: Arc<dyn Store>,
        budget: Duration,
        owned: Arc<Owned>,
        background: Background,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            store,
            budget,
            owned,
            breaker: Breaker::default(),
            pending: Pending::default(),
            owed: Mutex::default(),
            healer: Healer::new(),
            closed: AtomicBool::new(false),
            background,
            failures: AtomicU64::new(0),
            refusing: AtomicBool::new(false),
            troubles: Troubles::default(),
            untaken: Troubles::default(),
            last_error: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// How long one call may take.
    pub(crate) fn budget(&self) -> Duration {
        self.budget
    }

    /// Calls that failed or took too long, since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Whether the store is taken to be down at the moment.
    pub(crate) fn is_down(&self) -> bool {
        !self.breaker.is_closed()
    }

    /// Whether the store can find its keys by pattern.
    pub(crate) fn has_patterns(&self) -> bool {
        self.store.guarantees().patterns
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Looks `key` up, in a look that has `begun`; the life left is told only if `life` says so.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would keep all that it is given twice"
    )]
    pub(crate) fn get<'a>(
        self: &'a Arc<Self>,
        key: &'a str,
        life: bool,
        begun: Instant,
    ) -> impl Future<Output = Looked> + Send + 'a {
        async move {
            if self.pending.covers(key) {
                // Its task may have gone down with its runtime.
                self.heal();
                return Looked::Missing(None);
            }
            if self.admit().is_err() {
                return Looked::Missing(None);
            }
            let call = pin!(async {
                let budget = TimeBudget::since(begun, self.budget);
                self.store.get_within(key, life, budget).await
            });
            match self.heed(self.answer_in_time(self.budget, call, identity).await) {
                // A removal that failed meanwhile is about what was just read.
                Ok(Lookup::Found(_)) if self.pending.covers(key) => Looked::Missing(None),
                Ok(Lookup::Found(found)) => Looked::Found(found),
                Ok(Lookup::Missing(token)) => Looked::Missing(Some(token)),
                Err(error) if error.kind() == ErrorKind::Decode => Looked::Unreadable(error),
                Err(_) => Looked::Missing(None),
            }
        }
    }

    /// Looks several keys up that mean something together only: one that may not be read makes all of them misses
    /// without a token.
    pub(crate) async fn get_many(self: &Arc<Self>, keys: &[String]) -> Vec<Looked> {
        let unreadable = || keys.iter().any(|key| self.pending.covers(key));
        let nothing = || keys.iter().map(|_| Looked::Missing(None)).collect();
        if unreadable() {
            self.heal();
            return nothing();
        }
        let looked = self.look_together(keys).await;
        // A removal that failed meanwhile is about what was just read.
        if unreadable() { nothing() } else { looked }
    }

    /// One call for several keys, whatever is pending.
    async fn look_together(self: &Arc<Self>, keys: &[String]) -> Vec<Looked> {
        if keys.is_empty() {
            return Vec::new();
        }
        let call = async {
            let mut answers = self.store.get_many(keys).await;
            let outage = |answer: &Result<Lookup, Error>| answer.as_ref().is_err_and(Error::is_outage);
            match answers.iter().position(outage).map(|at| answers.swap_remove(at)) {
                Some(Err(outage)) => Err(outage),
                _ => Ok(answers),
            }
        };
        let answers = match self.ask(call).await {
            Ok(answers) if answers.len() == keys.len() => answers,
            _ => return keys.iter().map(|_| Looked::Missing(None)).collect(),
        };
        let looked = |answer| match answer {
            Ok(Lookup::Found(found)) => Looked::Found(found),
            Ok(Lookup::Missing(token)) => Looked::Missing(Some(token)),
            Err(error) => {
                self.note(&error);
                if error.kind() == ErrorKind::Decode {
                    Looked::Unreadable(error)
                } else {
                    Looked::Missing(None)
                }
            }
        };
        answers.into_iter().map(looked).collect()
    }

    /// A token for replacing what is there.
    pub(crate) async fn reserve(self: &Arc<Self>, key: &str) -> Result<Token, Error> {
        if self.pending.covers(key) {
            return Err(self.has_yet_to_remove(key));
        }
        self.ask(async { self.store.reserve(key).await }).await
    }

    pub(crate) async fn fill(
        self: &Arc<Self>,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<Filled, Error> {
        if self.pending.covers(key) {
            return Ok(Filled::Refused);
        }
        self.ask(async { self.store.fill(key, bytes, ttl, token).await })
            .await
    }

    /// A token for what no load will bring; `None` of a store that has none.
    pub(crate) async fn claim(self: &Arc<Self>, key: &str) -> Result<Option<Token>, Error> {
        if !self.store.guarantees().tokens {
            return Ok(None);
        }
        self.reserve(key).await.map(Some)
    }

    /// Stores what no load brought, in what is `left` of the time that this may take.
    pub(crate) async fn put(
        self: &Arc<Self>,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: Option<&Token>,
        left: Duration,
        failed: &mut Failed,
    ) -> Result<Filled, Error> {
        if self.pending.covers(key) {
            return Err(self.has_yet_to_remove(key));
        }
        if failed.has(self) {
            return Err(self.failed("has not answered this call before"));
        }
        let put = self.ask_within(left, async {
            match token {
                Some(token) => self.store.fill(key, bytes, ttl, token).await,
                None => self.store.put(key, bytes, ttl).await.map(|()| Filled::Stored),
            }
        });
        let put = put.await;
        failed.note(self, &put);
        put
    }

    fn has_yet_to_remove(&self, key: &str) -> Error {
        let what = format!("store `{}` has yet to remove `{key}`", self.name);
        // It says nothing of other keys.
        Error::new(ErrorKind::Unavailable, what).of_a_part()
    }

    pub(crate) async fn remaining(self: &Arc<Self>, key: &str) -> Result<Option<Option<Duration>>, Error> {
        if self.pending.covers(key) {
            return Ok(None);
        }
        self.ask(async { self.store.remaining(key).await }).await
    }

    /// Gives an entry that is there a life of `ttl` from now on.
    pub(crate) async fn touch(self: &Arc<Self>, key: &str, ttl: Duration) -> Result<bool, Error> {
        if self.pending.covers(key) {
            return Ok(false);
        }
        self.ask(async { self.store.touch(key, ttl).await }).await
    }

    /// Lets the store go; what is pending stays so.
    pub(crate) async fn close(&self) {
        self.closed.store(true, SeqCst);
        self.store.close().await;
    }

    /// One call, if the breaker lets it, within the budget.
    // No `async fn`, which would hold the call once more.
    pub(super) fn ask<T>(
        self: &Arc<Self>,
        call: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        self.ask_within(self.budget, call)
    }

    pub(super) async fn ask_within<T>(
        self: &Arc<Self>,
        budget: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.admit()?;
        let answer = match self.timed(budget, call) {
            Ok(call) => self.answer_in_time(budget, pin!(call), Result::ok).await,
            Err(error) => Err(error),
        };
        self.heed(answer)
    }

    /// Whether the store can be asked now.
    pub(super) fn admit(self: &Arc<Self>) -> Result<(), Error> {
        // A task knows that it is one without touching what all of them share.
        if try_id().is_none() && Handle::try_current().is_err() {
            return Err(self.failed("can only be asked inside a tokio runtime"));
        }
        if self.closed.load(SeqCst) {
            return Err(Error::new(
                ErrorKind::Closed,
                format!("store `{}` is closed", self.name),
            ));
        }
        if !self.breaker.is_closed() {
            // Its task may have gone down with its runtime.
            self.heal();
            return Err(self.failed("is down"));
        }
        Ok(())
    }

    /// Notes what an answer says of the store.
    pub(super) fn heed<T>(self: &Arc<Self>, answer: Result<T, Error>) -> Result<T, Error> {
        match &answer {
            Ok(_) => self.served(),
            Err(error) if Handle::try_current().is_ok() => self.note(error),
            // Of a task in a `LocalSet` that no runtime drives. Nothing has been learnt of the store.
            Err(_) => {}
        }
        answer
    }

    /// It does what it is asked.
    fn served(&self) {
        self.breaker.succeeded();
        if self.refusing.load(Relaxed) && self.refusing.swap(false, SeqCst) {
            tracing::info!(store = %self.name, "a store answers again");
        }
    }

    /// What comes of a call within the budget. A store that panics is one that fails.
    pub(super) async fn answer<T>(
        &self,
        budget: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let call = pin!(self.timed(budget, call)?);
        self.answer_in_time(budget, call, Result::ok).await
    }

    /// Fails in a runtime that has no timers.
    pub(crate) fn timed<F: Future>(&self, budget: Duration, call: F) -> Result<Timeout<F>, Error> {
        catch_unwind(AssertUnwindSafe(|| timeout(budget, call))).map_err(|_| self.failed("panicked"))
    }

    /// The same of a call that keeps to the budget itself, and of which `told` says what it came to: `None` if the budget is
    /// spent.
    async fn answer_in_time<T, F: Future>(
        &self,
        budget: Duration,
        mut call: Pin<&mut F>,
        told: fn(F::Output) -> Option<Result<T, Error>>,
    ) -> Result<T, Error> {
        let answer = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context).map(told)))
                .unwrap_or_else(|_| Poll::Ready(Some(Err(self.failed("panicked")))))
        });
        let late = || Err(self.failed(&format!("did not answer within {budget:?}")));
        answer.await.unwrap_or_else(late)
    }

    fn failed(&self, how: &str) -> Error {
        Error::new(ErrorKind::Unavailable, format!("store `{}` {how}", self.name))
    }
}

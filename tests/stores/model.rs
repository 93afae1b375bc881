//! A store in memory that can be made to break one law.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cached_runtime::{
    BoxFuture, Error, ErrorKind, Filled, Filling, Found, Guarantees, Lookup, Store, TimeBudget, Token,
};
use tokio::task::yield_now;
use tokio::time::timeout_at;

/// What is wrong with a [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    AbsentKeysAreNotRevoked,
    AnyTokenFills,
    CannotCountLongTtl,
    ClassesAreLiteral,
    CountsTokens,
    CutsKeys,
    CutsLongPatterns,
    CutsLongRemovals,
    CutsLongValues,
    DropLocksForever,
    EmptyIsAbsent,
    FillChecksThenStores,
    FillLosesTheValue,
    IgnoresWanted,
    KeysAreCaseless,
    ManyFillAllOrNone,
    ManyInAnyOrder,
    ManyShareOneTtl,
    ManyTokensDoNotStand,
    MixesUpCalls,
    NeverExpires,
    OldTtlStays,
    PatternKeepsTokens,
    PatternsPretended,
    PingFails,
    BudgetsAreSpent,
    PutDoesNotReplace,
    PutKeepsToken,
    RemoveIsPrefix,
    RemoveKeepsToken,
    ReserveReusesToken,
    SaysNothingOfLife,
    SecondMissIsGood,
    TokenIsForAnyKey,
    TokenStaysGood,
    TokensRepeat,
    TouchPretended,
    TouchRevives,
    TouchRevokes,
}

pub(crate) struct Model {
    flaw: Flaw,
    guarantees: Guarantees,
    state: Mutex<State>,
    busy: AtomicBool,
    last: AtomicU64,
}

#[derive(Default)]
struct State {
    values: HashMap<String, Value>,
    leases: HashMap<String, Vec<Vec<u8>>>,
    made: u64,
}

#[derive(Clone)]
struct Value {
    bytes: Vec<u8>,
    end: Option<Instant>,
}

impl State {
    fn live(&self, key: &str) -> Option<&Value> {
        self.values
            .get(key)
            .filter(|value| value.end.is_none_or(|end| end > Instant::now()))
    }

    fn fresh(&mut self) -> Vec<u8> {
        self.made += 1;
        format!("token {}", self.made).into_bytes()
    }
}

impl Model {
    pub(crate) fn sound() -> Self {
        Self::with(Flaw::None)
    }

    pub(crate) fn with(flaw: Flaw) -> Self {
        let guarantees = if flaw == Flaw::PatternsPretended {
            Guarantees::ALL.without_patterns()
        } else {
            Guarantees::ALL
        };
        let state = Mutex::default();
        Self {
            flaw,
            guarantees,
            state,
            busy: AtomicBool::new(false),
            last: AtomicU64::new(0),
        }
    }

    pub(crate) fn without_tokens(mut self) -> Self {
        self.guarantees = self.guarantees.without_tokens();
        self.flaw = Flaw::AnyTokenFills;
        self
    }

    pub(crate) fn without_patterns(mut self) -> Self {
        self.guarantees = self.guarantees.without_patterns();
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn key(&self, key: &str) -> String {
        match self.flaw {
            Flaw::KeysAreCaseless => key.to_lowercase(),
            Flaw::CutsKeys => key.chars().take(250).collect(),
            _ => key.to_owned(),
        }
    }

    /// A place where another task may come between.
    async fn pause(&self) -> Result<(), Error> {
        if self.has(Flaw::DropLocksForever) {
            if self.busy.swap(true, SeqCst) {
                return Err(Error::new(ErrorKind::Unavailable, "busy"));
            }
            yield_now().await;
            self.busy.store(false, SeqCst);
        }
        yield_now().await;
        Ok(())
    }

    fn store_value(&self, state: &mut State, key: &str, bytes: &[u8], ttl: Option<Duration>) {
        let mut end = match ttl {
            Some(ttl) if self.has(Flaw::CannotCountLongTtl) => {
                Some(Instant::now() + ttl.min(Duration::from_secs(9)))
            }
            Some(ttl) if !self.has(Flaw::NeverExpires) => Instant::now().checked_add(ttl),
            _ => None,
        };
        if self.has(Flaw::OldTtlStays)
            && let Some(old) = state.live(key)
        {
            end = old.end;
        }
        let mut bytes = bytes.to_vec();
        if self.has(Flaw::CutsLongValues) {
            bytes.truncate(u16::MAX.into());
        }
        state.values.insert(key.to_owned(), Value { bytes, end });
    }

    fn look_up(&self, key: &str) -> Lookup {
        let key = self.key(key);
        let mut state = self.state();
        let hidden = |value: &&Value| self.has(Flaw::EmptyIsAbsent) && value.bytes.is_empty();
        if let Some(value) = state.live(&key).filter(|value| !hidden(value)) {
            let left = value.end.map(|end| end.saturating_duration_since(Instant::now()));
            let remaining = left.filter(|_| !self.has(Flaw::SaysNothingOfLife));
            return Lookup::Found(Found {
                bytes: value.bytes.clone(),
                remaining,
            });
        }
        let token = match state.leases.get(&key).and_then(|leases| leases.last().cloned()) {
            Some(_) if self.has(Flaw::SecondMissIsGood) => state.fresh(),
            Some(token) => token,
            None if self.has(Flaw::TokensRepeat) => b"token".to_vec(),
            None => state.fresh(),
        };
        let leases = state.leases.entry(key).or_default();
        if !leases.contains(&token) {
            leases.push(token.clone());
        }
        Lookup::Missing(Token::new(token))
    }

    fn stands(&self, state: &State, key: &str, token: &Token) -> bool {
        let of_key = |leases: &Vec<Vec<u8>>| leases.iter().any(|lease| lease == token.as_bytes());
        match self.flaw {
            Flaw::AnyTokenFills => true,
            Flaw::TokenIsForAnyKey => state.leases.values().any(of_key),
            _ => state.leases.get(key).is_some_and(of_key),
        }
    }

    async fn fill(&self, key: &str, bytes: &[u8], ttl: Option<Duration>, token: &Token) -> Filled {
        let key = self.key(key);
        if self.has(Flaw::FillChecksThenStores) {
            if !self.stands(&self.state(), &key, token) {
                return Filled::Refused;
            }
            yield_now().await;
        } else if !self.stands(&self.state(), &key, token) {
            return Filled::Refused;
        }
        let mut state = self.state();
        if !self.has(Flaw::FillChecksThenStores) && !self.stands(&state, &key, token) {
            return Filled::Refused;
        }
        if !self.has(Flaw::FillLosesTheValue) {
            self.store_value(&mut state, &key, bytes, ttl);
        }
        match self.flaw {
            Flaw::TokenStaysGood => {}
            Flaw::SecondMissIsGood => {
                let leases = state.leases.entry(key).or_default();
                leases.retain(|lease| lease != token.as_bytes());
            }
            _ => {
                state.leases.remove(&key);
            }
        }
        Filled::Stored
    }

    fn put(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) {
        let key = self.key(key);
        let mut state = self.state();
        if !(self.has(Flaw::PutDoesNotReplace) && state.live(&key).is_some()) {
            self.store_value(&mut state, &key, bytes, ttl);
        }
        if !self.has(Flaw::PutKeepsToken) {
            state.leases.remove(&key);
        }
    }

    fn touch(&self, key: &str, ttl: Duration) -> bool {
        let key = self.key(key);
        let mut state = self.state();
        let there = state.live(&key).is_some();
        if self.has(Flaw::TouchPretended) {
            return there;
        }
        if self.has(Flaw::TouchRevokes) {
            state.leases.remove(&key);
        }
        let revives = self.has(Flaw::TouchRevives);
        match state.values.get_mut(&key).filter(|_| there || revives) {
            Some(value) => {
                value.end = Instant::now().checked_add(ttl);
                true
            }
            None => false,
        }
    }

    fn remove(&self, keys: &[String]) {
        let mut state = self.state();
        let most = if self.has(Flaw::CutsLongRemovals) {
            1_000
        } else {
            usize::MAX
        };
        for key in keys.iter().take(most) {
            let key = self.key(key);
            let present = state.values.remove(&key).is_some();
            if self.has(Flaw::RemoveIsPrefix) {
                state.values.retain(|other, _| !other.starts_with(&key));
            }
            if !(self.has(Flaw::RemoveKeepsToken) || self.has(Flaw::AbsentKeysAreNotRevoked) && !present) {
                state.leases.remove(&key);
            }
        }
    }

    fn remove_matching(&self, pattern: &str, wanted: &(dyn Fn(&str) -> bool + Send + Sync)) -> u64 {
        let pattern = if self.has(Flaw::ClassesAreLiteral) {
            pattern.replace('[', r"\[")
        } else {
            pattern.to_owned()
        };
        let mut state = self.state();
        let chosen = |key: &String| matches(&pattern, key) && (self.has(Flaw::IgnoresWanted) || wanted(key));
        let doomed: Vec<String> = state.values.keys().filter(|key| chosen(key)).cloned().collect();
        let most = if self.has(Flaw::CutsLongPatterns) {
            1_000
        } else {
            usize::MAX
        };
        let mut removed = 0;
        for key in doomed.iter().take(most) {
            removed += u64::from(state.live(key).is_some());
            state.values.remove(key);
        }
        if !self.has(Flaw::PatternKeepsTokens) {
            let before = state.leases.len();
            state.leases.retain(|key, _| !chosen(key));
            if self.has(Flaw::CountsTokens) {
                removed += (before - state.leases.len()) as u64;
            }
        }
        removed
    }
}

impl Store for Model {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move {
            self.pause().await?;
            let mut answer = self.look_up(key);
            if self.has(Flaw::MixesUpCalls)
                && let Lookup::Found(found) = &mut answer
            {
                found.bytes = self.last.load(SeqCst).to_be_bytes().to_vec();
            }
            Ok(answer)
        })
    }

    fn get_within<'a>(
        &'a self,
        key: &'a str,
        _life: bool,
        budget: TimeBudget,
    ) -> BoxFuture<'a, Option<Result<Lookup, Error>>> {
        Box::pin(async move {
            let spent = self.has(Flaw::BudgetsAreSpent);
            timeout_at(budget.end(), self.get(key))
                .await
                .ok()
                .filter(|_| !spent)
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            self.pause().await?;
            let key = self.key(key);
            let mut state = self.state();
            let standing = state.leases.get(&key).and_then(|leases| leases.last().cloned());
            let token = match standing {
                Some(token) if self.has(Flaw::ReserveReusesToken) => token,
                _ => state.fresh(),
            };
            state.leases.insert(key, vec![token.clone()]);
            Ok(Token::new(token))
        })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move {
            self.pause().await?;
            Ok(self.fill(key, bytes, ttl, token).await)
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Vec<Result<Lookup, Error>>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            for key in keys {
                answers.push(match self.get(key).await {
                    Ok(Lookup::Missing(_)) if self.has(Flaw::ManyTokensDoNotStand) => {
                        Ok(Lookup::Missing(Token::new(key.as_bytes())))
                    }
                    answer => answer,
                });
            }
            if self.has(Flaw::ManyInAnyOrder) {
                answers.reverse();
            }
            answers
        })
    }

    fn fill_many<'a>(&'a self, fills: &'a [Filling<'a>]) -> BoxFuture<'a, Vec<Result<Filled, Error>>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            for fill in fills {
                if self.has(Flaw::ManyFillAllOrNone) && answers.contains(&Filled::Refused) {
                    answers.push(Filled::Refused);
                    continue;
                }
                let first = fills.first().and_then(|fill| fill.ttl);
                let ttl = if self.has(Flaw::ManyShareOneTtl) {
                    first
                } else {
                    fill.ttl
                };
                answers.push(self.fill(fill.key, fill.bytes, ttl, fill.token).await);
            }
            answers.into_iter().map(Ok).collect()
        })
    }

    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            self.pause().await?;
            Ok(self.touch(key, ttl))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.pause().await?;
            if let Ok(number) = bytes.try_into() {
                self.last.store(u64::from_be_bytes(number), SeqCst);
            }
            self.put(key, bytes, ttl);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.pause().await?;
            self.remove(keys);
            Ok(())
        })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.pause().await?;
            if !self.guarantees.patterns && !self.has(Flaw::PatternsPretended) {
                return Err(Error::new(ErrorKind::Unsupported, "no patterns here"));
            }
            Ok(self.remove_matching(pattern, wanted))
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(async move {
            self.pause().await?;
            Ok(match self.look_up(key) {
                Lookup::Found(found) => Some(found.remaining),
                Lookup::Missing(_) => None,
            })
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.pause().await?;
            let fails = self.has(Flaw::PingFails);
            if fails {
                Err(Error::new(ErrorKind::Unavailable, "no"))
            } else {
                Ok(())
            }
        })
    }

    fn describe(&self) -> String {
        format!("a model with the flaw {:?}", self.flaw)
    }
}

/// Whether `text` matches the Redis glob `pattern`, by trying everything.
fn matches(pattern: &str, text: &str) -> bool {
    // Classes and `?` are about bytes in Redis; what the cases match with them is ASCII.
    fn from(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| from(rest, &text[skip..])),
            ([b'?', rest @ ..], [_, tail @ ..]) => from(rest, tail),
            ([b'[', rest @ ..], [byte, tail @ ..]) => {
                let (holds, rest) = class(rest, *byte);
                holds && from(rest, tail)
            }
            ([b'\\', literal, rest @ ..], [byte, tail @ ..]) | ([literal, rest @ ..], [byte, tail @ ..]) => {
                literal == byte && from(rest, tail)
            }
            (_, []) => false,
        }
    }
    fn class(mut pattern: &[u8], byte: u8) -> (bool, &[u8]) {
        let negated = pattern.first() == Some(&b'^');
        if negated {
            pattern = &pattern[1..];
        }
        let mut holds = false;
        loop {
            pattern = match pattern {
                [] => break,
                [b']', rest @ ..] => {
                    pattern = rest;
                    break;
                }
                [b'\\', literal, rest @ ..] => {
                    holds |= *literal == byte;
                    rest
                }
                [low, b'-', high, rest @ ..] => {
                    holds |= (*low..=*high).contains(&byte);
                    rest
                }
                [literal, rest @ ..] => {
                    holds |= *literal == byte;
                    rest
                }
            };
        }
        (holds != negated, pattern)
    }
    from(pattern.as_bytes(), text.as_bytes())
}

//! A store that is true to the contract, in memory, and can be stopped at each step.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cached_runtime::fuzzing::key::glob_matches;
use cached_runtime::{BoxFuture, Error, Filled, Found, Lookup, Store, Token};

use crate::source::Pace;
use crate::stops::{Held, Stops};

/// What a store is about to do, or has done without having answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Get,
    GetDone,
    Fill,
    Remove,
    RemoveDone,
}

/// Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct Model(Arc<Server>);

#[derive(Default)]
struct Server {
    state: Mutex<State>,
    stops: Stops<Step>,
    pace: Pace,
}

#[derive(Default)]
struct State {
    values: HashMap<String, (Vec<u8>, Option<Instant>)>,
    tokens: HashMap<String, Vec<u64>>,
    made: u64,
}

impl State {
    fn live(&self, key: &str) -> Option<Found> {
        let (bytes, end) = self.values.get(key)?;
        let remaining = end.map(|end| end.saturating_duration_since(Instant::now()));
        (remaining != Some(Duration::ZERO)).then(|| Found {
            bytes: bytes.clone(),
            remaining,
        })
    }

    fn token(&mut self, key: &str) -> Token {
        self.made += 1;
        self.tokens.entry(key.to_owned()).or_default().push(self.made);
        Token::new(self.made.to_be_bytes())
    }

    fn store(&mut self, key: &str, bytes: &[u8], ttl: Option<Duration>) {
        let end = ttl.map(|ttl| Instant::now() + ttl);
        self.values.insert(key.to_owned(), (bytes.to_vec(), end));
        self.tokens.remove(key);
    }

    fn stands(&self, key: &str, token: &Token) -> bool {
        let stands = |made: &u64| made.to_be_bytes() == token.as_bytes();
        self.tokens
            .get(key)
            .is_some_and(|tokens| tokens.iter().any(stands))
    }
}

impl Model {
    pub(crate) fn by_chance(random: &mut fastrand::Rng) -> Self {
        Self(Arc::new(Server {
            pace: Pace::by_chance(random),
            ..Server::default()
        }))
    }

    /// Holds the next call that comes to this step.
    pub(crate) fn hold(&self, step: Step) -> Held {
        self.0.stops.hold(step)
    }

    /// Goes on to its end whatever becomes of who asked, as a server does.
    fn serve<T, F>(&self, work: impl FnOnce(Arc<Server>) -> F) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let work = work(Arc::clone(&self.0));
        Box::pin(async move { Ok(tokio::spawn(work).await.unwrap()) })
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn step(&self, step: Step) {
        self.stops.pass(step).await;
        self.pace.pause().await;
    }
}

impl Store for Model {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        let key = key.to_owned();
        self.serve(|server| async move {
            server.step(Step::Get).await;
            let answer = {
                let mut state = server.state();
                match state.live(&key) {
                    Some(found) => Lookup::Found(found),
                    None => Lookup::Missing(state.token(&key)),
                }
            };
            server.step(Step::GetDone).await;
            answer
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        let key = key.to_owned();
        self.serve(|server| async move {
            server.step(Step::Get).await;
            let token = {
                let mut state = server.state();
                state.tokens.remove(&key);
                state.token(&key)
            };
            server.step(Step::GetDone).await;
            token
        })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        let (key, bytes, token) = (key.to_owned(), bytes.to_vec(), token.clone());
        self.serve(move |server| async move {
            server.step(Step::Fill).await;
            let mut state = server.state();
            if !state.stands(&key, &token) {
                return Filled::Refused;
            }
            state.store(&key, &bytes, ttl);
            Filled::Stored
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let (key, bytes) = (key.to_owned(), bytes.to_vec());
        self.serve(move |server| async move {
            server.step(Step::Fill).await;
            server.state().store(&key, &bytes, ttl);
        })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        let keys = keys.to_vec();
        self.serve(|server| async move {
            server.step(Step::Remove).await;
            for key in &keys {
                let mut state = server.state();
                state.values.remove(key);
                state.tokens.remove(key);
            }
            server.step(Step::RemoveDone).await;
        })
    }

    /// What is wanted is asked before anything is awaited, of what was there when the call was made and of what came
    /// later by its pattern alone: the model's patterns are exact.
    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        _wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let pattern = pattern.to_owned();
        self.serve(|server| async move {
            server.step(Step::Remove).await;
            let removed = {
                let mut state = server.state();
                let before = state.values.len();
                state.values.retain(|key, _| !glob_matches(&pattern, key));
                state.tokens.retain(|key, _| !glob_matches(&pattern, key));
                before - state.values.len()
            };
            server.step(Step::RemoveDone).await;
            removed as u64
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        let left = self.0.state().live(key).map(|found| found.remaining);
        Box::pin(async move { Ok(left) })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn describe(&self) -> String {
        "a model".to_owned()
    }
}

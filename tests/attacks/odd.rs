//! A store in memory that serves, or does what no store should.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cached_runtime::{BoxFuture, Caches, Error, ErrorKind, Filled, Found, Guarantees, Lookup, Store, Token};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// What becomes of one call.
#[derive(Clone)]
pub(crate) enum Act {
    Serve,
    Fail(ErrorKind),
    Panic,
    /// Nothing, ever.
    Hang,
    /// As `Serve`, once the gate is passed.
    Wait(Arc<Gate>),
    /// As `Serve`, but later.
    Slow(Duration),
}

type Script = Box<dyn Fn(&str, &str) -> Act + Send>;

#[derive(Clone)]
pub(crate) struct Odd {
    shared: Arc<Mutex<Shared>>,
    patterns: bool,
    tokens: bool,
}

struct Shared {
    values: HashMap<String, (Vec<u8>, Option<Instant>)>,
    tokens: HashMap<String, u64>,
    made: u64,
    calls: Vec<String>,
    script: Script,
}

impl Odd {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                values: HashMap::new(),
                tokens: HashMap::new(),
                made: 0,
                calls: Vec::new(),
                script: Box::new(|_, _| Act::Serve),
            })),
            patterns: true,
            tokens: true,
        }
    }

    pub(crate) fn without_patterns(mut self) -> Self {
        self.patterns = false;
        self
    }

    /// Takes every fill, whatever has become of its token.
    pub(crate) fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// `script` sees the name of the operation and the key (the first one, the pattern, or nothing).
    pub(crate) fn script(&self, script: impl Fn(&str, &str) -> Act + Send + 'static) {
        self.lock().script = Box::new(script);
    }

    /// Serves, but for one operation, every call of which waits before the gate.
    pub(crate) fn hold(&self, held: &'static str) -> Arc<Gate> {
        let gate = Gate::new();
        let before = Arc::clone(&gate);
        self.script(move |operation, _| {
            if operation == held {
                Act::Wait(Arc::clone(&before))
            } else {
                Act::Serve
            }
        });
        gate
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    pub(crate) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.lock().values.get(key).map(|(bytes, _)| bytes.clone())
    }

    pub(crate) fn set(&self, key: &str, bytes: Vec<u8>) {
        self.lock().values.insert(key.to_owned(), (bytes, None));
    }

    /// Caches whose store `odd` this is.
    pub(crate) fn caches(&self) -> Caches {
        self.caches_within(Duration::from_millis(200))
    }

    pub(crate) fn caches_within(&self, budget: Duration) -> Caches {
        Caches::builder()
            .store("odd", self.clone())
            .time_budget(budget)
            .build()
            .unwrap()
    }

    async fn act(&self, operation: &str, key: &str) -> Result<(), Error> {
        let act = {
            let mut shared = self.lock();
            shared.calls.push(operation.to_owned());
            (shared.script)(operation, key)
        };
        yield_now().await;
        match act {
            Act::Serve => Ok(()),
            Act::Fail(kind) => Err(Error::new(kind, "as scripted")),
            Act::Panic => panic!("a bug in a store"),
            Act::Hang => pending().await,
            Act::Wait(gate) => {
                gate.pass().await;
                Ok(())
            }
            Act::Slow(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
        }
    }
}

impl Shared {
    fn live(&self, key: &str) -> Option<&(Vec<u8>, Option<Instant>)> {
        self.values
            .get(key)
            .filter(|(_, end)| end.is_none_or(|end| end > Instant::now()))
    }

    fn store(&mut self, key: &str, bytes: &[u8], ttl: Option<Duration>) {
        let end = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        self.values.insert(key.to_owned(), (bytes.to_vec(), end));
        self.tokens.remove(key);
    }

    fn token(&mut self, key: &str) -> Token {
        self.made += 1;
        let made = self.made;
        let token = *self.tokens.entry(key.to_owned()).or_insert(made);
        Token::new(token.to_le_bytes())
    }

    fn remove(&mut self, key: &str) -> bool {
        self.tokens.remove(key);
        self.values.remove(key).is_some()
    }
}

impl Store for Odd {
    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::ALL;
        if !self.patterns {
            guarantees = guarantees.without_patterns();
        }
        if !self.tokens {
            guarantees = guarantees.without_tokens();
        }
        guarantees
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move {
            self.act("get", key).await?;
            let mut shared = self.lock();
            if let Some((bytes, end)) = shared.live(key) {
                return Ok(Lookup::Found(Found {
                    bytes: bytes.clone(),
                    remaining: end.map(|end| end.saturating_duration_since(Instant::now())),
                }));
            }
            Ok(Lookup::Missing(shared.token(key)))
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move {
            self.act("reserve", key).await?;
            let mut shared = self.lock();
            shared.tokens.remove(key);
            Ok(shared.token(key))
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
            self.act("fill", key).await?;
            let mut shared = self.lock();
            let stands = shared
                .tokens
                .get(key)
                .is_some_and(|made| made.to_le_bytes() == token.as_bytes());
            if self.tokens && !stands {
                return Ok(Filled::Refused);
            }
            shared.store(key, bytes, ttl);
            Ok(Filled::Stored)
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.act("put", key).await?;
            self.lock().store(key, bytes, ttl);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for key in keys {
                self.act("remove", key).await?;
                self.lock().remove(key);
            }
            Ok(())
        })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            self.act("remove_matching", pattern).await?;
            if !self.patterns {
                return Err(Error::new(ErrorKind::Unsupported, "no patterns"));
            }
            // Good enough for what is asked here: the part before the first `*`.
            let prefix = pattern.split('*').next().unwrap_or_default();
            let mut shared = self.lock();
            let keys: Vec<String> = shared
                .values
                .keys()
                .chain(shared.tokens.keys())
                .filter(|key| key.starts_with(prefix) && wanted(key))
                .cloned()
                .collect();
            Ok(keys.iter().filter(|key| shared.remove(key)).count() as u64)
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(async move {
            self.act("remaining", key).await?;
            let left = |end: Instant| end.saturating_duration_since(Instant::now());
            Ok(self.lock().live(key).map(|(_, end)| end.map(left)))
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.act("ping", ""))
    }

    fn describe(&self) -> String {
        "odd".to_owned()
    }
}

/// Where somebody waits until the test lets him go on.
pub(crate) struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        })
    }

    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Returns once one more has arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets one pass, now or later.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Lets everybody pass from now on.
    pub(crate) fn stay_open(&self) {
        self.open.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

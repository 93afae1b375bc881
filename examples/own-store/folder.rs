//! Entries as files in a folder of one process.
//!
//! What a store owes to the tiers above is the *token*: a look-up that misses hands one out, and a fill is taken only if
//! nothing has revoked it since. Here a token is a number that is kept in memory for each key that is being loaded; every
//! removal and every put forgets it. One lock makes each step whole.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cached_runtime::{BoxFuture, Error, ErrorKind, Filled, Found, Guarantees, Lookup, Store, Token};
use tokio::fs;
use tokio::sync::Mutex;

/// More loads than can be under way. The token of one that is forgotten is refused, which costs one more load.
const TOKENS: usize = 10_000;

/// A folder that one process at a time has for itself.
pub(crate) struct Folder {
    path: PathBuf,
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    last: u64,
    standing: HashMap<String, u64>,
}

impl Tokens {
    fn hand_out(&mut self, key: &str) -> Token {
        if self.standing.len() >= TOKENS {
            self.standing.clear();
        }
        self.last += 1;
        self.standing.insert(key.to_owned(), self.last);
        Token::new(self.last.to_le_bytes())
    }

    /// The one that stands already, so that two who miss at once may both fill.
    fn share(&mut self, key: &str) -> Token {
        match self.standing.get(key) {
            Some(number) => Token::new(number.to_le_bytes()),
            None => self.hand_out(key),
        }
    }

    fn take(&mut self, key: &str, token: &Token) -> bool {
        let stands = self
            .standing
            .get(key)
            .is_some_and(|number| number.to_le_bytes() == token.as_bytes());
        if stands {
            self.standing.remove(key);
        }
        stands
    }
}

impl Folder {
    /// Makes the folder if it is missing.
    pub(crate) async fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path).await?;
        Ok(Self {
            path: path.to_owned(),
            tokens: Mutex::default(),
        })
    }

    /// Keys are longer than names of files can be. Two of one name push each other out: the file says whose it is.
    fn file(&self, key: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.path.join(format!("{:016x}", hasher.finish()))
    }

    async fn read(&self, key: &str) -> Result<Option<Found>, Error> {
        match fs::read(self.file(key)).await {
            Ok(file) => Ok(entry(&file, key)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Beside the old file first, and then in its place: who reads meanwhile sees the one or the other.
    async fn write(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let end = ttl.map_or(u64::MAX, |ttl| {
            milliseconds().saturating_add(as_milliseconds(ttl))
        });
        let mut file = end.to_le_bytes().to_vec();
        file.extend((key.len() as u64).to_le_bytes());
        file.extend(key.as_bytes());
        file.extend(bytes);
        let (path, new) = (self.file(key), self.file(key).with_extension("new"));
        fs::write(&new, file).await.map_err(failed)?;
        fs::rename(new, path).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        match fs::remove_file(self.file(key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

/// What a file holds, if it is of this key and its time is not over.
fn entry(file: &[u8], key: &str) -> Option<Found> {
    let (end, rest) = file.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (owner, bytes) = rest.split_at_checked(length)?;
    let end = u64::from_le_bytes(*end);
    let left = end.saturating_sub(milliseconds());
    (owner == key.as_bytes() && left > 0).then(|| Found {
        bytes: bytes.to_vec(),
        remaining: (end != u64::MAX).then(|| Duration::from_millis(left)),
    })
}

fn milliseconds() -> u64 {
    as_milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn as_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the folder cannot be used").with_cause(error)
}

impl Store for Folder {
    /// Files are not found by a pattern of their keys. Whole caches are voided by a number beside each entry, which the tiers
    /// above see to.
    fn guarantees(&self) -> Guarantees {
        Guarantees::ALL.without_patterns()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move {
            let mut tokens = self.tokens.lock().await;
            Ok(match self.read(key).await? {
                Some(found) => Lookup::Found(found),
                None => Lookup::Missing(tokens.share(key)),
            })
        })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move { Ok(self.tokens.lock().await.hand_out(key)) })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move {
            let mut tokens = self.tokens.lock().await;
            if !tokens.take(key, token) {
                return Ok(Filled::Refused);
            }
            self.write(key, bytes, ttl).await?;
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
            let mut tokens = self.tokens.lock().await;
            tokens.standing.remove(key);
            self.write(key, bytes, ttl).await
        })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut tokens = self.tokens.lock().await;
            for key in keys {
                tokens.standing.remove(key);
                self.delete(key).await?;
            }
            Ok(())
        })
    }

    fn remove_matching<'a>(
        &'a self,
        _: &'a str,
        _: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let error = Error::new(ErrorKind::Unsupported, "a folder cannot find keys by pattern");
        Box::pin(std::future::ready(Err(error)))
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(async move { Ok(self.read(key).await?.map(|found| found.remaining)) })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let there = fs::metadata(&self.path).await;
            there.map(drop).map_err(failed)
        })
    }

    fn describe(&self) -> String {
        format!("folder {}", self.path.display())
    }
}

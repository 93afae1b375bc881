//! What one key is asked and told: which statement answers which verb of [`Store`](crate::Store).

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Error as Cause;

use super::pattern::head_of;
use super::statements::{LEASE_MS, Only};
use super::wire::{Argument, Row, Statement};
use super::{Hash, Inner, fault};
use crate::{Error, Filled, Found, Lookup, Token};

/// What a row says of its key.
pub(super) enum Seen {
    Answered(Result<Lookup, Error>),
    /// Absent, with a lease that has all of [`LEASE_MS`] before it.
    Leased(Token),
    /// Absent.
    Vacant,
}

/// What a row of `key` is found by. Keys are longer than what indexes take, and nobody can make two that share it.
pub(super) fn hash_of(key: &str) -> Hash {
    Sha256::digest(key.as_bytes()).into()
}

/// A token that nobody else makes.
pub(super) fn fresh() -> [u8; 16] {
    fastrand::u128(..).to_le_bytes()
}

/// A ttl as statements take it. What is too long to count, added to any clock, still fits.
pub(super) fn life(ttl: Option<Duration>) -> Argument<'static> {
    let longest = i64::MAX / 2;
    Argument::Number(ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(longest).min(longest)))
}

fn milliseconds(left: i64) -> Duration {
    Duration::from_millis(left.max(0).unsigned_abs())
}

impl Inner {
    pub(super) fn seen(&self, row: Row) -> Seen {
        if row.left.is_none_or(|left| left > 0) {
            match row.value {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    return Seen::Answered(Ok(Lookup::Found(Found {
                        bytes,
                        remaining: row.left.map(milliseconds),
                    })));
                }
                Err(cause) => return Seen::Answered(Err(self.told(cause))),
            }
        }
        match (row.token, row.leased) {
            (Some(token), Some(left)) if left >= LEASE_MS => Seen::Leased(Token::new(token)),
            _ => Seen::Vacant,
        }
    }

    /// A hit is one plain `SELECT`, and so is the miss of a key that somebody has missed within half a minute; any
    /// other miss takes a second statement, for its lease.
    pub(super) async fn get(&self, key: &str) -> Result<Lookup, Error> {
        let hash = hash_of(key);
        let row = self.row(&self.texts.look_up, key, &hash).await?;
        match row.map_or(Seen::Vacant, |row| self.seen(row)) {
            Seen::Answered(answer) => answer,
            Seen::Leased(token) => Ok(Lookup::Missing(token)),
            Seen::Vacant => {
                let mut leased = self
                    .lease(&[(key, hash)])
                    .await
                    .map_err(|cause| self.told(cause))?;
                leased
                    .pop()
                    .unwrap_or_else(|| Ok(Lookup::Missing(Token::new(fresh()))))
            }
        }
    }

    pub(super) async fn reserve(&self, key: &str) -> Result<Token, Error> {
        let token = fresh();
        self.upsert(&self.texts.reserve, key, &token).await?;
        Ok(Token::new(token))
    }

    pub(super) async fn fill(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        token: &Token,
    ) -> Result<Filled, Error> {
        let hash = hash_of(key);
        let arguments = vec![
            Argument::Bytes(bytes),
            life(ttl),
            Argument::Bytes(&hash),
            Argument::Bytes(key.as_bytes()),
            Argument::Bytes(token.as_bytes()),
        ];
        match self.told_of(self.run(&self.texts.fill, arguments).await)? {
            0 => Ok(Filled::Refused),
            _ => Ok(Filled::Stored),
        }
    }

    /// In two statements, the second of which holds only while nothing has come after the first. Were it one, and its
    /// caller gone with the answer still due, it might be carried out when a removal that came later has returned.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let writer = fresh();
        self.claim(key, &writer).await?;
        // Where it no longer holds, what came between stands, as if it had come after both.
        self.settle(key, bytes, ttl, &writer).await.map(drop)
    }

    /// Begins a put: revokes the key's token, and leaves its entry.
    async fn claim(&self, key: &str, writer: &[u8]) -> Result<(), Error> {
        self.upsert(&self.texts.claim, key, writer).await
    }

    /// Ends the put that has begun last, if it is this one and the row is still there.
    async fn settle(
        &self,
        key: &str,
        bytes: &[u8],
        ttl: Option<Duration>,
        writer: &[u8],
    ) -> Result<bool, Error> {
        let hash = hash_of(key);
        let arguments = vec![
            Argument::Bytes(bytes),
            life(ttl),
            Argument::Bytes(&hash),
            Argument::Bytes(writer),
        ];
        Ok(self.told_of(self.run(&self.texts.settle, arguments).await)? > 0)
    }

    pub(super) async fn remove(&self, keys: &[String]) -> Result<(), Error> {
        let hashes: Vec<Hash> = keys.iter().map(|key| hash_of(key)).collect();
        let mut hashes = hashes.iter().map(<[u8; 32]>::as_slice).collect();
        self.told_of(self.remove_rows(&mut hashes, Only::All).await)?;
        Ok(())
    }

    pub(super) async fn touch(&self, key: &str, ttl: Duration) -> Result<bool, Error> {
        let hash = hash_of(key);
        let arguments = vec![
            life(Some(ttl)),
            Argument::Bytes(&hash),
            Argument::Bytes(key.as_bytes()),
        ];
        Ok(self.told_of(self.run(&self.texts.touch, arguments).await)? > 0)
    }

    pub(super) async fn remaining(&self, key: &str) -> Result<Option<Option<Duration>>, Error> {
        let row = self.row(&self.texts.remaining, key, &hash_of(key)).await?;
        Ok(row.map(|row| row.left.map(milliseconds)))
    }

    /// Asks for the row of no key, so that the table answers too.
    pub(super) async fn ping(&self) -> Result<(), Error> {
        let arguments = vec![Argument::Bytes(&[])];
        let asked = Statement {
            sql: &self.texts.check,
            arguments,
            writes: false,
            recurs: true,
        };
        self.told_of(self.rows(&asked).await).map(drop)
    }

    async fn row(&self, sql: &str, key: &str, hash: &Hash) -> Result<Option<Row>, Error> {
        let arguments = vec![Argument::Bytes(hash), Argument::Bytes(key.as_bytes())];
        let asked = Statement {
            sql,
            arguments,
            writes: false,
            recurs: true,
        };
        Ok(self.told_of(self.rows(&asked).await)?.pop())
    }

    async fn upsert(&self, sql: &str, key: &str, token: &[u8]) -> Result<(), Error> {
        let hash = hash_of(key);
        let arguments = vec![
            Argument::Bytes(&hash),
            Argument::Bytes(head_of(key)),
            Argument::Bytes(key.as_bytes()),
            Argument::Bytes(token),
        ];
        self.told_of(self.run(sql, arguments).await).map(drop)
    }

    pub(super) async fn run(&self, sql: &str, arguments: Vec<Argument<'_>>) -> Result<u64, Cause> {
        self.changed(&Statement {
            sql,
            arguments,
            writes: true,
            recurs: true,
        })
        .await
    }

    /// Runs a statement that answers with rows; again if the database undid it for the sake of another.
    pub(super) async fn rows(&self, statement: &Statement<'_>) -> Result<Vec<Row>, Cause> {
        let mut attempt = 1;
        loop {
            match self.link.rows(statement).await {
                Err(cause) if fault::again(&cause, self.dialect, attempt).await => attempt += 1,
                answer => return answer,
            }
        }
    }

    /// The same of one that says how many rows it has changed.
    pub(super) async fn changed(&self, statement: &Statement<'_>) -> Result<u64, Cause> {
        let mut attempt = 1;
        loop {
            match self.link.run(statement).await {
                Err(cause) if fault::again(&cause, self.dialect, attempt).await => attempt += 1,
                answer => return answer,
            }
        }
    }

    pub(super) fn told_of<T>(&self, result: Result<T, Cause>) -> Result<T, Error> {
        result.map_err(|cause| self.told(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_what_a_column_takes() {
        let told = |ttl| match life(ttl) {
            Argument::Number(number) => number,
            Argument::Bytes(_) => panic!("bytes"),
        };
        assert_eq!(told(None), None);
        assert_eq!(told(Some(Duration::from_micros(999))), Some(0));
        assert_eq!(told(Some(Duration::from_secs(2))), Some(2_000));
        assert_eq!(told(Some(Duration::MAX)), Some(i64::MAX / 2));
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_put_that_comes_late_changes_nothing() {
        let store = crate::stores::Sql::connect("sqlite::memory:").await.unwrap();
        let inner = &store.inner;
        let key = "shop:a".to_owned();
        for removal in ["by key", "by pattern", "by another put"] {
            inner.put(&key, b"old", None).await.unwrap();
            inner.claim(&key, b"late").await.unwrap();
            match removal {
                "by key" => inner.remove(std::slice::from_ref(&key)).await.unwrap(),
                "by pattern" => assert_eq!(inner.remove_matching("shop:*", &|_| true).await.unwrap(), 1),
                _ => inner.put(&key, b"new", None).await.unwrap(),
            }
            assert!(
                !inner.settle(&key, b"late", None, b"late").await.unwrap(),
                "{removal}"
            );
            let found = match inner.get(&key).await.unwrap() {
                Lookup::Found(found) => Some(found.bytes),
                Lookup::Missing(_) => None,
            };
            assert_eq!(found.is_some(), removal == "by another put");
            assert_ne!(found.as_deref(), Some(&b"late"[..]));
        }
        // A fill and a reservation that come between are overwritten and revoked.
        inner.remove(std::slice::from_ref(&key)).await.unwrap();
        inner.claim(&key, b"first").await.unwrap();
        let Lookup::Missing(token) = inner.get(&key).await.unwrap() else {
            panic!("found")
        };
        assert_eq!(
            inner.fill(&key, b"older", None, &token).await.unwrap(),
            Filled::Stored
        );
        let token = inner.reserve(&key).await.unwrap();
        assert!(inner.settle(&key, b"put", None, b"first").await.unwrap());
        assert_eq!(
            inner.fill(&key, b"older", None, &token).await.unwrap(),
            Filled::Refused
        );
    }
}

//! Several keys in one statement.
//!
//! Wherever rows are locked they are named in the order of their hashes, so that two of these never wait for each other.

use std::collections::HashMap;

use sqlx::Error as Cause;

use super::commands::{Seen, fresh, hash_of, life};
use super::pattern::head_of;
use super::statements::Only;
use super::wire::{Argument, Row, Statement};
use super::{Hash, Inner};
use crate::{Error, Filled, Filling, Lookup, Token};

/// Keys named by one statement.
const BATCH: usize = 256;
/// Fills in one statement, and about how many bytes: a server refuses what is too long for it.
const FILLS: usize = 64;
const FILL_BYTES: usize = 1 << 20;

impl Inner {
    pub(super) async fn get_many(&self, keys: &[String]) -> Vec<Result<Lookup, Error>> {
        let mut answers = Vec::with_capacity(keys.len());
        for batch in keys.chunks(BATCH) {
            answers.extend(self.get_batch(batch).await);
        }
        answers
    }

    /// One statement, and a second one for the keys that nobody has missed lately.
    async fn get_batch(&self, keys: &[String]) -> Vec<Result<Lookup, Error>> {
        let hashes: Vec<Hash> = keys.iter().map(|key| hash_of(key)).collect();
        let mut rows = match self.look_up_rows(&hashes).await {
            Ok(rows) => rows,
            Err(cause) => return same(&self.told(cause), keys.len()),
        };
        let mut answers: Vec<Option<Result<Lookup, Error>>> = Vec::with_capacity(keys.len());
        let mut first = HashMap::with_capacity(keys.len());
        let mut vacant = Vec::new();
        for (at, (key, hash)) in keys.iter().zip(&hashes).enumerate() {
            // A key that is asked for twice is answered from the first time, below.
            if first.contains_key(key.as_str()) {
                answers.push(None);
                continue;
            }
            first.insert(key.as_str(), at);
            let seen = take(&mut rows, key, hash).map_or(Seen::Vacant, |row| self.seen(row));
            answers.push(match seen {
                Seen::Answered(answer) => Some(answer),
                Seen::Leased(token) => Some(Ok(Lookup::Missing(token))),
                Seen::Vacant => {
                    vacant.push((at, key.as_str(), *hash));
                    None
                }
            });
        }
        // Two keys of one hash, which nobody has seen yet, cannot be leased together.
        vacant.sort_by_key(|(_, _, hash)| *hash);
        vacant.dedup_by_key(|(_, _, hash)| *hash);
        let wanted: Vec<(&str, Hash)> = vacant.iter().map(|(_, key, hash)| (*key, *hash)).collect();
        let leased = if wanted.is_empty() {
            Ok(Vec::new())
        } else {
            self.lease(&wanted).await
        };
        match leased {
            Ok(leased) => {
                for ((at, ..), answer) in vacant.iter().zip(leased) {
                    answers[*at] = Some(answer);
                }
            }
            Err(cause) => {
                let errors = same(&self.told(cause), vacant.len());
                for ((at, ..), error) in vacant.iter().zip(errors) {
                    answers[*at] = Some(error);
                }
            }
        }
        for at in 0..keys.len() {
            if answers[at].is_none() {
                let twin = first
                    .get(keys[at].as_str())
                    .and_then(|first| answers[*first].as_ref());
                answers[at] = Some(match twin {
                    Some(Ok(lookup)) => Ok(lookup.clone()),
                    Some(Err(error)) => Err(copy(error)),
                    None => Ok(Lookup::Missing(Token::new(fresh()))),
                });
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Leases keys, in the order of their hashes, and answers in it; an entry that has come meanwhile is found.
    pub(super) async fn lease(&self, keys: &[(&str, Hash)]) -> Result<Vec<Result<Lookup, Error>>, Cause> {
        let tokens: Vec<[u8; 16]> = keys.iter().map(|_| fresh()).collect();
        let mut arguments = Vec::with_capacity(keys.len() * 4);
        for ((key, hash), token) in keys.iter().zip(&tokens) {
            arguments.extend([
                Argument::Bytes(hash),
                Argument::Bytes(head_of(key)),
                Argument::Bytes(key.as_bytes()),
                Argument::Bytes(token),
            ]);
        }
        let rows = self
            .rows(&Statement {
                sql: &self.dialect.lease(&self.table, keys.len()),
                arguments,
                writes: true,
                recurs: keys.len() == 1,
            })
            .await?;
        let mut rows = if rows.is_empty() {
            // A database that gives nothing back has to be asked. What stands now is as good.
            let hashes: Vec<Hash> = keys.iter().map(|(_, hash)| *hash).collect();
            self.look_up_rows(&hashes).await?
        } else {
            by_hash(rows)
        };
        let answers = keys.iter().zip(tokens).map(|((key, hash), token)| {
            match take(&mut rows, key, hash).map(|row| self.seen(row)) {
                Some(Seen::Answered(answer)) => answer,
                Some(Seen::Leased(token)) => Ok(Lookup::Missing(token)),
                // Revoked already: a token that was good for that long.
                Some(Seen::Vacant) | None => Ok(Lookup::Missing(Token::new(token))),
            }
        });
        Ok(answers.collect())
    }

    async fn look_up_rows(&self, hashes: &[Hash]) -> Result<HashMap<Vec<u8>, Row>, Cause> {
        let arguments = padded(hashes.iter().map(<[u8; 32]>::as_slice));
        let rows = self
            .rows(&Statement {
                sql: &self.dialect.look_up_many(&self.table, arguments.len()),
                arguments,
                writes: false,
                recurs: true,
            })
            .await?;
        Ok(by_hash(rows))
    }

    pub(super) async fn fill_many(&self, fills: &[Filling<'_>]) -> Vec<Result<Filled, Error>> {
        let mut first: HashMap<Hash, usize> = HashMap::with_capacity(fills.len());
        let mut answers: Vec<Option<Result<Filled, Error>>> = fills.iter().map(|_| None).collect();
        for (at, fill) in fills.iter().enumerate() {
            first.entry(hash_of(fill.key)).or_insert(at);
        }
        let mut together: Vec<(Hash, usize)> = first.into_iter().collect();
        together.sort_unstable();
        let mut rest = together.as_slice();
        while !rest.is_empty() {
            let (mut count, mut bytes) = (1, fills[rest[0].1].bytes.len());
            while count < rest.len().min(FILLS) {
                bytes += fills[rest[count].1].bytes.len();
                if bytes > FILL_BYTES {
                    break;
                }
                count += 1;
            }
            let (batch, more) = rest.split_at(count);
            rest = more;
            match self.fill_batch(fills, batch).await {
                Ok(stored) => {
                    for ((_, at), filled) in batch.iter().zip(stored) {
                        answers[*at] = Some(Ok(filled));
                    }
                }
                Err(cause) => {
                    let errors = same(&self.told(cause), batch.len());
                    for ((_, at), error) in batch.iter().zip(errors) {
                        answers[*at] = Some(error);
                    }
                }
            }
        }
        // What is left is a second fill of a key, which its first decides.
        let mut told = Vec::with_capacity(fills.len());
        for (answer, fill) in answers.into_iter().zip(fills) {
            told.push(match answer {
                Some(answer) => answer,
                None => self.fill(fill.key, fill.bytes, fill.ttl, fill.token).await,
            });
        }
        told
    }

    /// Fills the keys at some places of `fills`, each of another hash.
    async fn fill_batch(&self, fills: &[Filling<'_>], batch: &[(Hash, usize)]) -> Result<Vec<Filled>, Cause> {
        let mark = fresh();
        let mut arguments = Vec::with_capacity(batch.len() * 5 + 1);
        for (hash, at) in batch {
            let fill = &fills[*at];
            arguments.extend([
                Argument::Bytes(hash),
                Argument::Bytes(fill.key.as_bytes()),
                Argument::Bytes(fill.token.as_bytes()),
                Argument::Bytes(fill.bytes),
                life(fill.ttl),
            ]);
        }
        if self.dialect.marks {
            arguments.push(Argument::Bytes(&mark));
        }
        let statement = Statement {
            sql: &self.dialect.fill(&self.table, batch.len()),
            arguments,
            writes: true,
            recurs: false,
        };
        let stored: HashMap<Vec<u8>, Row> = if self.dialect.marks {
            let count = self.changed(&statement).await?;
            if count == 0 || count == batch.len() as u64 {
                let filled = if count == 0 {
                    Filled::Refused
                } else {
                    Filled::Stored
                };
                return Ok(vec![filled; batch.len()]);
            }
            self.marked(batch, &mark).await?
        } else {
            by_hash(self.rows(&statement).await?)
        };
        let filled = |(hash, _): &(Hash, usize)| {
            if stored.contains_key(hash.as_slice()) {
                Filled::Stored
            } else {
                Filled::Refused
            }
        };
        Ok(batch.iter().map(filled).collect())
    }

    /// The rows that a fill of a moment ago has left its mark in. One that has been changed since then is not among
    /// them, and is taken for refused: it might as well have been.
    async fn marked(&self, batch: &[(Hash, usize)], mark: &[u8]) -> Result<HashMap<Vec<u8>, Row>, Cause> {
        let mut arguments = padded(batch.iter().map(|(hash, _)| hash.as_slice()));
        let sql = self.dialect.marked(&self.table, arguments.len());
        arguments.push(Argument::Bytes(mark));
        let rows = self
            .rows(&Statement {
                sql: &sql,
                arguments,
                writes: false,
                recurs: true,
            })
            .await?;
        Ok(by_hash(rows))
    }

    /// Removes rows by their hashes; says how many.
    pub(super) async fn remove_rows(&self, hashes: &mut Vec<&[u8]>, only: Only) -> Result<u64, Cause> {
        hashes.sort_unstable();
        hashes.dedup();
        let mut removed = 0;
        for batch in hashes.chunks(BATCH) {
            let arguments = padded(batch.iter().copied());
            removed += self
                .changed(&Statement {
                    sql: &self.dialect.remove(&self.table, arguments.len(), only),
                    arguments,
                    writes: true,
                    recurs: true,
                })
                .await?;
        }
        Ok(removed)
    }
}

/// Parameters whose number is a power of two, the last one repeated: so there are few statements to keep prepared.
fn padded<'a>(hashes: impl Iterator<Item = &'a [u8]>) -> Vec<Argument<'a>> {
    let mut arguments: Vec<Argument<'a>> = hashes.map(Argument::Bytes).collect();
    if let Some(last) = arguments.last().copied() {
        arguments.resize(arguments.len().next_power_of_two(), last);
    }
    arguments
}

fn by_hash(rows: Vec<Row>) -> HashMap<Vec<u8>, Row> {
    rows.into_iter().map(|row| (row.hash.clone(), row)).collect()
}

/// The row of `key`, if it is that key's.
fn take(rows: &mut HashMap<Vec<u8>, Row>, key: &str, hash: &Hash) -> Option<Row> {
    let row = rows.remove(hash.as_slice())?;
    (row.name.as_deref() == Some(key.as_bytes())).then_some(row)
}

/// One error for each of those that travelled together.
pub(super) fn same<T>(error: &Error, count: usize) -> Vec<Result<T, Error>> {
    (0..count).map(|_| Err(copy(error))).collect()
}

fn copy(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.to_string());
    match std::error::Error::source(error) {
        Some(cause) => copy.with_cause(cause.to_string()),
        None => copy,
    }
}

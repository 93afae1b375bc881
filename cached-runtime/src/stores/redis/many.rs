//! Several keys in one script: one round trip for as many as the server may be held up by.

use super::Inner;
use super::leases::{lease_of, life};
use crate::{Error, Filled, Filling, Lookup};
use redis::Value;

/// Look-ups in one request. The server's scripts take some 8,000 values at once, and serve nobody else meanwhile: so many
/// take it a millisecond or two.
const LOOK_UPS: usize = 1000;
/// Fills in one request, and about how many bytes. Where memory is short the first of them is refused, and the others
/// with it; once one has been stored, the server lets the script go past its bound by those that are left.
const FILLS: usize = 500;
const FILL_BYTES: usize = 1 << 20;

impl Inner {
    pub(super) async fn get_many(&self, keys: &[String]) -> Vec<Result<Lookup, Error>> {
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(LOOK_UPS) {
            let asked: Vec<&str> = keys.iter().map(String::as_str).collect();
            match self.look_up(&asked, true).await {
                Ok(looked) => {
                    let none = std::iter::repeat_with(|| Err(self.unexpected()));
                    answers.extend(looked.chain(none).take(keys.len()));
                }
                Err(cause) => answers.extend(keys.iter().map(|_| Err(self.error(cause.clone())))),
            }
        }
        answers
    }

    pub(super) async fn fill_many(&self, fills: &[Filling<'_>]) -> Vec<Result<Filled, Error>> {
        let mut answers = Vec::with_capacity(fills.len());
        let mut left = fills;
        while !left.is_empty() {
            let (some, rest) = left.split_at(fitting(left));
            answers.extend(self.fill_some(some).await);
            left = rest;
        }
        answers
    }

    async fn fill_some(&self, fills: &[Filling<'_>]) -> Vec<Result<Filled, Error>> {
        let leases: Vec<String> = fills.iter().map(|fill| lease_of(fill.key)).collect();
        let lives: Vec<String> = fills.iter().map(|fill| life(fill.ttl)).collect();
        let pairs = fills.iter().zip(&leases);
        let keys: Vec<&str> = pairs.flat_map(|(fill, lease)| [fill.key, lease]).collect();
        let triples = fills.iter().zip(&lives);
        let arguments: Vec<&[u8]> = triples
            .flat_map(|(fill, life)| [fill.token.as_bytes(), fill.bytes, life.as_bytes()])
            .collect();
        match self.scripts.fill_many.run(&self.link, &keys, &arguments).await {
            Ok(Value::Array(told)) if told.len() == fills.len() => {
                told.into_iter().map(|one| self.filled(one)).collect()
            }
            Ok(_) => fills.iter().map(|_| Err(self.unexpected())).collect(),
            Err(cause) => fills.iter().map(|_| Err(self.error(cause.clone()))).collect(),
        }
    }

    fn filled(&self, told: Value) -> Result<Filled, Error> {
        match told {
            Value::Int(1) => Ok(Filled::Stored),
            Value::Int(0) => Ok(Filled::Refused),
            Value::BulkString(why) => Err(self.refused(&why)),
            _ => Err(self.unexpected()),
        }
    }
}

/// How many of these travel together.
fn fitting(fills: &[Filling<'_>]) -> usize {
    let mut bytes = 0_usize;
    let within = |fill: &&Filling<'_>| {
        bytes = bytes.saturating_add(fill.bytes.len() + 2 * fill.key.len());
        bytes <= FILL_BYTES
    };
    // One that is too long by itself travels alone.
    fills.iter().take(FILLS).take_while(within).count().max(1)
}

//! Several keys in one script: one round trip for as many as the server may be held up by.

use super::leases::lease_of;
use super::link::Waits;
use super::{Inner, life};
use crate::{Error, ErrorKind, Filled, Filling, Lookup};
use redis::Value;

/// Look-ups in one request. The server's scripts take some 8,000 values at once, and serve nobody else meanwhile: so many
/// take it a millisecond or two.
const LOOK_UPS: usize = 1000;
/// Fills in one request, and about how many bytes. Where memory is short the first of them is refused, and the others
/// with it; once one has been stored, the server lets the script go past its bound by those that are left.
const FILLS: usize = 500;
const FILL_BYTES: usize = 1 << 20;

impl Inner {
    pub(super) async fn look_up_many(&self, keys: &[&str]) -> Vec<Result<Lookup, Error>> {
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(LOOK_UPS) {
            match self.look_up(keys, true, Waits::of(keys.len())).await {
                Ok(looked) => {
                    let none = std::iter::repeat_with(|| Err(self.unexpected()));
                    answers.extend(looked.chain(none).take(keys.len()));
                }
                Err(cause) => answers.extend(keys.iter().map(|_| Err(self.error(cause.clone())))),
            }
        }
        answers
    }

    pub(super) async fn fill_together(&self, fills: &[Filling<'_>]) -> Vec<Result<Filled, Error>> {
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
        match self.scripts.fill_many.run(&self.carrier, &keys, &arguments).await {
            Ok(Value::Array(told)) if told.len() == fills.len() => {
                told.into_iter().map(|one| self.one_filled(one)).collect()
            }
            Ok(_) => fills.iter().map(|_| Err(self.unexpected())).collect(),
            Err(cause) => fills.iter().map(|_| Err(self.error(cause.clone()))).collect(),
        }
    }

    fn one_filled(&self, told: Value) -> Result<Filled, Error> {
        match told {
            // Of this key alone.
            Value::BulkString(why) => {
                let why = String::from_utf8_lossy(&why).into_owned();
                let what = format!("{} answered with an error", self.name);
                Err(Error::new(ErrorKind::Store, what).with_cause(why))
            }
            told => self.filled(Ok(told)),
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

//! Many keys at once that have nothing to do with each other: what is wrong with one is no matter of the others.
//!
//! Called by the tiers for batches. However many keys there are, a request is of bounded size and has the store's budget
//! for itself; a store that does not answer one is not asked the next, so that it costs a batch no more than a call.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use super::failed::Failed;
use super::guarded::{Guarded, Looked};
use crate::store::{Filled, Filling, Lookup, Token};
use crate::together::{self, BESIDE};
use crate::{Error, ErrorKind};

/// Keys of one request: few enough for a budget that is meant for one key, and enough that most batches are one request.
pub(crate) const TOGETHER: usize = 1000;
/// Bytes of one request that stores, about: they pass a slow network within a budget that is meant for one value.
const BYTES: usize = 4 << 20;

/// The next of these that one request stores, at least one, and the others.
fn portion<'f, 'b>(fills: &'f [Filling<'b>]) -> Option<(&'f [Filling<'b>], &'f [Filling<'b>])> {
    let mut bytes = 0_usize;
    let within = |fill: &&Filling<'_>| {
        bytes = bytes.saturating_add(fill.bytes.len());
        bytes <= BYTES
    };
    let fitting = fills.iter().take(TOGETHER).take_while(within).count().max(1);
    fills.split_at_checked(fitting)
}

impl Guarded {
    /// Looks each key up, as [`get`](Guarded::get) would.
    pub(crate) async fn get_each(self: &Arc<Self>, keys: &[String]) -> Vec<Looked> {
        let mut looked = Vec::with_capacity(keys.len());
        for keys in keys.chunks(TOGETHER) {
            match self.get_some(keys).await {
                Ok(some) => looked.extend(some),
                Err(_) => break,
            }
        }
        looked.resize_with(keys.len(), || Looked::Missing(None));
        looked
    }

    async fn get_some(self: &Arc<Self>, keys: &[String]) -> Result<Vec<Looked>, Error> {
        if !keys.iter().any(|key| self.pending.covers(key)) {
            return self.get_these(keys).await;
        }
        // Its task may have gone down with its runtime.
        self.heal();
        let readable = |key: &&String| !self.pending.covers(key);
        let asked: Vec<String> = keys.iter().filter(readable).cloned().collect();
        let mut looked = self.get_these(&asked).await?.into_iter();
        let mut asked = asked.into_iter().peekable();
        let each = keys.iter().map(|key| match asked.next_if_eq(key) {
            Some(_) => looked.next().unwrap_or(Looked::Missing(None)),
            None => Looked::Missing(None),
        });
        Ok(each.collect())
    }

    async fn get_these(self: &Arc<Self>, keys: &[String]) -> Result<Vec<Looked>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.ask_each(keys.len(), self.store.get_many(keys)).await?;
        let each = answers.into_iter().zip(keys).map(|(answer, key)| match answer {
            // A removal that failed meanwhile is about what was just read.
            Ok(Lookup::Found(_)) if self.pending.covers(key) => Looked::Missing(None),
            Ok(Lookup::Found(found)) => Looked::Found(found),
            Ok(Lookup::Missing(token)) => Looked::Missing(Some(token)),
            Err(error) if error.kind() == ErrorKind::Decode => Looked::Unreadable(error),
            Err(_) => Looked::Missing(None),
        });
        Ok(each.collect())
    }

    /// Fills each, as [`fill`](Guarded::fill) would; `None` where the store does not take it.
    pub(crate) async fn fill_each(
        self: &Arc<Self>,
        fills: &[Filling<'_>],
        failed: &mut Failed,
    ) -> Vec<Option<Filled>> {
        self.store_each(fills, Some(Filled::Refused), failed).await
    }

    /// Stores each, as [`put`](Guarded::put) would under a token; `None` where the store does not take it.
    pub(crate) async fn put_each(
        self: &Arc<Self>,
        puts: &[Filling<'_>],
        failed: &mut Failed,
    ) -> Vec<Option<Filled>> {
        self.store_each(puts, None, failed).await
    }

    /// What is yet to be removed counts as `covered`.
    async fn store_each(
        self: &Arc<Self>,
        puts: &[Filling<'_>],
        covered: Option<Filled>,
        failed: &mut Failed,
    ) -> Vec<Option<Filled>> {
        let (mut answers, mut left) = (Vec::with_capacity(puts.len()), puts);
        if failed.has(self) {
            left = &[];
        }
        while let Some((puts, others)) = portion(left) {
            left = others;
            let welcome = |put: &Filling<'_>| !self.pending.covers(put.key);
            let asked: Vec<bool> = puts.iter().map(welcome).collect();
            let some: Vec<Filling<'_>> = puts
                .iter()
                .zip(&asked)
                .filter_map(|(put, asked)| asked.then_some(*put))
                .collect();
            let mut some = if some.is_empty() {
                Vec::new()
            } else {
                let put = self.ask_each(some.len(), self.store.fill_many(&some)).await;
                failed.note(self, &put);
                match put {
                    Ok(some) => some,
                    Err(_) => break,
                }
            }
            .into_iter();
            answers.extend(
                asked
                    .into_iter()
                    .map(|asked| if asked { some.next()?.ok() } else { covered }),
            );
        }
        answers.resize(puts.len(), None);
        answers
    }

    /// A token for each, as [`reserve`](Guarded::reserve) would. As far as they can be had in the time for one request:
    /// what is then not stored costs a load, and waiting would cost every caller.
    pub(crate) async fn reserve_each(
        self: &Arc<Self>,
        keys: &[&str],
        failed: &mut Failed,
    ) -> Vec<Option<Token>> {
        let mut tokens = Vec::with_capacity(keys.len());
        let begun = Instant::now();
        for keys in keys.chunks(BESIDE) {
            let some = together::all(keys.iter().map(|key| Box::pin(self.reserve(key))).collect()).await;
            let none = some.iter().all(Result::is_err);
            some.iter().for_each(|token| failed.note(self, token));
            tokens.extend(some.into_iter().map(Result::ok));
            if none || begun.elapsed() > self.budget {
                break;
            }
        }
        tokens.resize(keys.len(), None);
        tokens
    }

    /// One request of many parts. Of a store of several servers one may be down: that is noted, and the rest counts.
    async fn ask_each<T>(
        self: &Arc<Self>,
        count: usize,
        call: impl Future<Output = Vec<Result<T, Error>>>,
    ) -> Result<Vec<Result<T, Error>>, Error> {
        let answers = self
            .ask(async {
                let mut answers = call.await;
                if answers.len() != count {
                    let what = format!(
                        "store `{}` gave {} answers to {count} questions",
                        self.name,
                        answers.len()
                    );
                    return Err(Error::new(ErrorKind::Store, what));
                }
                let outage = |answer: &Result<T, Error>| answer.as_ref().is_err_and(Error::is_outage);
                match answers.pop() {
                    Some(Err(last)) if last.is_outage() && answers.iter().all(outage) => Err(last),
                    last => {
                        answers.extend(last);
                        Ok(answers)
                    }
                }
            })
            .await?;
        if let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err()) {
            self.note(error);
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_stores_is_bounded_by_its_keys_and_by_its_bytes() {
        let (small, large, token) = (vec![0; 10], vec![0; 3 << 20], Token::new([1]));
        let sizes = |bytes: &[&Vec<u8>]| {
            let fill = |bytes| Filling {
                key: "k",
                bytes,
                ttl: None,
                token: &token,
            };
            let fills: Vec<Filling<'_>> = bytes.iter().map(|bytes| fill(bytes.as_slice())).collect();
            let (mut sizes, mut left) = (Vec::new(), &fills[..]);
            while let Some((some, others)) = portion(left) {
                sizes.push(some.len());
                left = others;
            }
            sizes
        };
        assert_eq!(sizes(&[]), [0_usize; 0]);
        assert_eq!(sizes(&vec![&small; 2_500]), [1_000, 1_000, 500]);
        assert_eq!(sizes(&[&large, &large, &small, &small, &large]), [1, 3, 1]);
        let huge = vec![0; 5 << 20];
        assert_eq!(sizes(&[&huge, &small, &huge]), [1, 1, 1]);
    }
}

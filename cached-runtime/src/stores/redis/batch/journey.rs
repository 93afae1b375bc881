//! One request for a whole batch.

use std::sync::Arc;

use super::{Batch, Inner};
use crate::{Error, ErrorKind};

/// A batch that has left the queue. However its journey ends, everybody in it is told.
pub(super) struct Journey {
    batch: Arc<Batch>,
}

impl Journey {
    pub(super) fn new(batch: Arc<Batch>) -> Self {
        Self { batch }
    }

    /// Asks for the whole batch and tells the answers.
    pub(super) async fn run(self, store: &Inner) {
        // Those in it may be dropped meanwhile, which needs the lock.
        let (text, ends, life) = {
            let mut places = self.batch.places();
            let text = std::mem::take(&mut places.text);
            (text, std::mem::take(&mut places.ends), places.life)
        };
        let begins = std::iter::once(&0).chain(&ends);
        let keys: Vec<&str> = begins
            .zip(&ends)
            .map(|(&begin, &end)| &text[begin..end])
            .collect();
        match store.look_up(&keys, life).await {
            Ok(answers) => self
                .batch
                .tell(answers.chain(std::iter::repeat_with(|| Err(store.unexpected())))),
            Err(cause) => self
                .batch
                .tell(std::iter::repeat_with(|| Err(store.error(cause.clone())))),
        }
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        // As a rule everybody has been told.
        if self.batch.places().is_awaited() {
            let ended = || {
                Error::new(
                    ErrorKind::Unavailable,
                    "the runtime that was looking up has ended",
                )
            };
            self.batch.tell(std::iter::repeat_with(|| Err(ended())));
        }
    }
}

//! Removals: done now, or queued until the store can be reached.
//!
//! Called by invalidations and by the healing task. A store that finds no keys by pattern has generations removed in the
//! place of the entries.

use std::sync::Arc;
use std::time::Duration;

use super::failed::Failed;
use super::generations;
use super::guarded::Guarded;
use super::pending::{Matching, What};
use crate::{Error, ErrorKind};

/// A scan of all keys may take so many budgets.
const SCAN_BUDGETS: u32 = 60;

impl Guarded {
    /// Removes, now or as soon as the store can be reached; until then the entries are not read from it. Dropping this
    /// future leaves the removal queued. Says how many were removed now, of those that are not named one by one.
    pub(crate) async fn remove(self: &Arc<Self>, what: What<'_>, failed: &mut Failed) -> Result<u64, Error> {
        if failed.has(self) {
            self.queue(what)?;
            return Ok(0);
        }
        let voided = self.voided(what)?;
        let what = voided.as_deref().map_or(what, What::Keys);
        let unsure = Unsure { guarded: self, what };
        let removed = async {
            if !matches!(what, What::Keys(_)) {
                self.is_there().await?;
            }
            self.ask_within(self.budget_of(what), self.remove_now(what)).await
        };
        let removed = removed.await;
        failed.note(self, &removed);
        if removed.is_ok() {
            unsure.sure();
        }
        Ok(removed.unwrap_or(0))
    }

    /// Whether it answers at all, however that turns out: asked before it may take the time that a scan does.
    async fn is_there(self: &Arc<Self>) -> Result<(), Error> {
        self.admit()?;
        let answer = self.answer(self.budget, async { self.store.ping().await });
        match answer.await {
            Err(error) if error.kind() == ErrorKind::Unavailable => self.heed(Err(error)),
            _ => Ok(()),
        }
    }

    /// The same for later, as soon as the store can be reached.
    pub(crate) fn queue(self: &Arc<Self>, what: What<'_>) -> Result<(), Error> {
        let voided = self.voided(what)?;
        let what = voided.as_deref().map_or(what, What::Keys);
        drop(Unsure { guarded: self, what });
        Ok(())
    }

    pub(super) async fn remove_now(&self, what: What<'_>) -> Result<u64, Error> {
        match what {
            What::Keys(keys) => self.store.remove(keys).await.map(|()| 0),
            What::Pattern(matching) => self.remove_matching_now(matching).await,
            // Asked for together where single removals have become too many to keep.
            What::Everything if !self.has_patterns() => {
                let generations = self.generation_keys(&self.owned.now().generations);
                self.store.remove(&generations).await.map(|()| 0)
            }
            What::Everything => self.sweep().await.map(|()| 0),
        }
    }

    async fn remove_matching_now(&self, matching: &Matching) -> Result<u64, Error> {
        let is_meant = |key: &str| matching.is_meant(key);
        self.store.remove_matching(&matching.glob, &is_meant).await
    }

    async fn sweep(&self) -> Result<(), Error> {
        let owned = self.owned.now();
        for glob in &owned.globs {
            self.store.remove_matching(glob, &|key| owned.has(key)).await?;
        }
        Ok(())
    }

    /// For a store that knows no patterns, the generations to remove in the place of the entries. `None` where the
    /// removal can be made as it is.
    fn voided(&self, what: What<'_>) -> Result<Option<Vec<String>>, Error> {
        if self.has_patterns() {
            return Ok(None);
        }
        match what {
            What::Keys(_) => Ok(None),
            What::Everything => Ok(Some(self.generation_keys(&self.owned.now().generations))),
            What::Pattern(matching) => match &matching.generations {
                Some(names) => Ok(Some(self.generation_keys(names))),
                None => Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "store `{}` cannot find keys by pattern, so `{}` was not removed from it: name the entries, or \
                         the whole cache, or use a store that can",
                        self.name, matching.glob
                    ),
                )),
            },
        }
    }

    fn generation_keys(&self, names: &[String]) -> Vec<String> {
        let keys = |name: &String| generations::keys(&*self.store, name);
        names.iter().flat_map(keys).collect()
    }

    pub(super) fn budget_of(&self, what: What<'_>) -> Duration {
        match what {
            What::Keys(_) => self.budget,
            What::Pattern(_) | What::Everything => self.budget.saturating_mul(SCAN_BUDGETS),
        }
    }
}

/// Queues the removal unless it turns out to be done, also when the caller is dropped in the middle of it.
struct Unsure<'a> {
    guarded: &'a Arc<Guarded>,
    what: What<'a>,
}

impl Unsure<'_> {
    fn sure(mut self) {
        self.what = What::Keys(&[]);
    }
}

impl Drop for Unsure<'_> {
    fn drop(&mut self) {
        if !matches!(self.what, What::Keys([])) {
            self.guarded.pending.request(self.what);
            self.guarded.heal();
        }
    }
}

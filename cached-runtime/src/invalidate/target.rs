//! One thing that a writer removes or puts.

use std::sync::Arc;

use super::each::Updates;
use super::update::Update;
use crate::Error;
use crate::behind::Ahead;
use crate::caches::Caches;
use crate::caches::function::Function;
use crate::call::probe_of;
use crate::handles::Whole;
use crate::key::KeyBytes;
use crate::resilience::Failed;

/// What a writer removes or puts.
pub(super) enum Target {
    Entry(Arc<Function>, KeyBytes),
    Cache(Whole),
    Key(Caches, String),
    Pattern(Caches, String),
    /// Whichever of those that match it was.
    OneOf(Caches, String),
    /// An entry that is to have a new value.
    Update(Box<Update>),
    /// Several of one function.
    Updates(Box<Updates>),
}

impl Target {
    /// An update of what is pending is a newer value of it, or waits for nothing.
    pub(super) fn wait_for(&self, ahead: &mut Ahead) {
        match self {
            Self::Entry(function, key) => ahead.entry(function, key),
            Self::Cache(whole) => ahead.cache(whole),
            Self::Key(caches, text) => ahead.text(caches, text),
            Self::Pattern(caches, glob) | Self::OneOf(caches, glob) => ahead.pattern(caches, glob),
            Self::Update(_) | Self::Updates(_) => {}
        }
    }

    pub(super) async fn begin(&mut self) {
        match self {
            Self::Update(update) => update.begin().await,
            Self::Updates(updates) => updates.begin().await,
            _ => {}
        }
    }

    /// Notes the stores that have failed when it was begun.
    pub(super) fn note(&self, failed: &mut Failed) {
        match self {
            Self::Update(update) => update.note(failed),
            Self::Updates(updates) => updates.note(failed),
            _ => {}
        }
    }

    pub(super) async fn end(&mut self, failed: &mut Failed) {
        match self {
            Self::Update(update) => Box::pin(update.end(failed)).await,
            Self::Updates(updates) => Box::pin(updates.end(failed)).await,
            _ => {
                if let Err(error) = self.remove(failed).await {
                    tracing::error!(error = %error.chain(), "an invalidation is not complete");
                }
            }
        }
    }

    pub(super) async fn remove(&self, failed: &mut Failed) -> Result<(), Error> {
        match self {
            Self::Entry(function, key) => {
                super::remove(function, probe_of(key), failed).await;
                Ok(())
            }
            Self::Cache(whole) => super::cache(whole, failed).await,
            Self::Key(caches, text) => {
                super::by_text(caches, text, failed).await;
                Ok(())
            }
            Self::Pattern(caches, glob) => super::by_pattern(caches, glob, false, failed).await.map(drop),
            Self::OneOf(caches, glob) => super::by_pattern(caches, glob, true, failed).await.map(drop),
            Self::Update(update) => {
                update.remove(failed).await;
                Ok(())
            }
            Self::Updates(updates) => {
                updates.remove(failed).await;
                Ok(())
            }
        }
    }
}

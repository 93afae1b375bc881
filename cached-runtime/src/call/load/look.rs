//! The look of a load, before its body: at what waits to be written, in memory once more, and down the remote tiers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Keyed, Load, Role};
use crate::caches::function::{Function, Plan};
use crate::entry::Content;
use crate::invalidate;
use crate::resilience::Failed;
use crate::store::BoxFuture;
use crate::tier::remote::{Had, Permit};

/// A look at what is there.
pub(crate) enum Look {
    /// Done.
    Now(Option<Content>),
    /// To be awaited, and what it comes to given back to the load.
    Later(Looking),
}

/// A look in the remote tiers.
pub(crate) type Looking = BoxFuture<'static, Below>;

/// What the remote tiers had.
pub(crate) struct Below {
    key: String,
    found: Option<(Content, Plan)>,
    permits: Vec<Option<Permit>>,
    patience: Duration,
    /// Those that could not be asked for a permit alone.
    failed: Failed,
}

/// What a look in the remote tiers needs of its load, which stays where it is meanwhile.
struct Down {
    function: Arc<Function>,
    key: String,
    /// The function can return that there is none.
    absent: bool,
    /// Nothing is looked for: what is there is to be replaced.
    replace: bool,
    /// In the background.
    again: bool,
    permits: Vec<Option<Permit>>,
    failed: Failed,
}

impl Load {
    /// Looks in memory once more and down the remote tiers. What is found goes into every tier above and to the
    /// followers; `absent` says whether the caller can return that there is none. One who cannot has to load, and that once for
    /// all who cannot.
    pub(crate) fn look(&mut self, absent: bool) -> Look {
        let found = self.pending().or_else(|| self.look_again());
        if let Some(content) = found.filter(|content| content.is_for(absent)) {
            self.answer(&content);
            return Look::Now(Some(content));
        }
        let Some(probe) = self.role.probe().filter(|_| !self.function.remotes.is_empty()) else {
            return Look::Now(None);
        };
        let down = Down {
            key: self.function.full_key(probe.bytes),
            function: Arc::clone(&self.function),
            absent,
            replace: matches!(self.role, Role::Alone { replace: true, .. }),
            again: self.again.is_some(),
            permits: Vec::new(),
            failed: Failed::default(),
        };
        Look::Later(down.look())
    }

    /// Goes on from what the remote tiers had.
    pub(crate) fn looked(&mut self, absent: bool, below: Below) -> Option<Content> {
        (self.permits, self.patience, self.failed) = (below.permits, below.patience, below.failed);
        // A load in the background works with what its call has had copied, and its permits may be from after an invalidation.
        if self.again.is_some() && !self.stamp_stands() {
            self.permits.clear();
        }
        let Some((content, plan)) = below.found else {
            // It may have been written since it was looked for, and be there no more: what the permits are for is then older.
            // Or somebody else has loaded it, where this was kept and not polled.
            let now = self
                .pending()
                .or_else(|| self.look_again().filter(|_| self.again.is_none()));
            let now = now.filter(|content| content.is_for(absent))?;
            self.answer(&now);
            return Some(now);
        };
        if self.function.spec.ages() {
            self.aged(&plan);
        }
        self.fill_memory(&content, plan);
        self.answer_hit(&content);
        self.backfill(below.key, &content, plan);
        Some(content)
    }

    /// What the source is yet to get is newer than anything that could be found, and than what a load would bring.
    pub(in crate::call) fn pending(&self) -> Option<Content> {
        let behind = self.function.behind.as_ref()?;
        let probe = self.role.probe()?;
        let (content, plan) = behind.pending(probe.bytes)?;
        // Which may not have come to memory yet.
        if self.refreshes() {
            invalidate::forget(&self.function, probe);
        }
        if let Some(plan) = plan {
            self.fill_memory(&content, plan);
        }
        Some(content)
    }

    /// What memory has by now, if that makes this load needless: the one before may have ended just before this began.
    fn look_again(&self) -> Option<Content> {
        let (memory, probe) = (self.function.memory.as_ref()?, self.role.probe()?);
        if self.again.is_some() {
            return memory.settled(probe);
        }
        if self.replaces() {
            return None;
        }
        memory.read_again(&probe)
    }

    /// What is read in a remote tier is kept there for longer, and loaded anew where it is due.
    fn aged(&mut self, plan: &Plan) {
        self.due = plan.is_due().then(|| self.role.probe().map(Keyed::new)).flatten();
        if let (Some(_), Some(probe)) = (plan.idle, self.role.probe()) {
            self.function.tell_below(probe, plan.whole_left());
        }
    }
}

impl Down {
    /// In one block, and not in functions of their own: each of these would keep what it is given twice, and this is made
    /// for every call.
    fn look(mut self) -> Looking {
        Box::pin(async move {
            let began = Instant::now();
            let (mut begun, mut found) = (began, None);
            let function = &*self.function;
            for remote in &function.remotes {
                let mut reserves = self.replace;
                if !reserves {
                    let Some(form) = function.form(self.absent) else {
                        break;
                    };
                    // To be kept by a tier above no longer than here.
                    let life = function.spec.ages() || function.memory.is_some() || !self.permits.is_empty();
                    match remote.get(&self.key, &form, life, begun).await {
                        Had::Nothing(permit) => self.permits.push(permit),
                        // Another process may have loaded it anew, which is as good; else it is to be replaced.
                        Had::Entry { plan, .. } if self.again && plan.is_due() => reserves = true,
                        Had::Entry { content, plan } => {
                            found = Some((content, plan));
                            break;
                        }
                    }
                }
                if reserves {
                    let permit = Box::pin(remote.reserve(&self.key)).await;
                    self.failed.note(&remote.guarded, &permit);
                    self.permits.push(permit.ok());
                }
                begun = Instant::now();
            }
            let patience = if found.is_some() {
                Duration::ZERO
            } else {
                function.budgets().saturating_sub(began.elapsed())
            };
            Below {
                key: self.key,
                found,
                permits: self.permits,
                patience,
                failed: self.failed,
            }
        })
    }
}

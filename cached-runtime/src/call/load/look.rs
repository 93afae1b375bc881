//! The look of a load, before its body: at what waits to be written, in memory once more, and down the remote tiers.

use std::time::{Duration, Instant};

use super::{Keyed, Load, Look, Role};
use crate::caches::function::Plan;
use crate::entry::Content;
use crate::tier::remote::Had;

impl Load {
    /// Looks in memory once more and down the remote tiers. What is found goes into every tier above and to the
    /// followers; `absent` says whether the function can return that there is none.
    pub(crate) fn look(mut self: Box<Self>, absent: bool) -> Look {
        if let Some(content) = self.pending() {
            self.answer(&content);
            return Look::Now(self, Some(content));
        }
        if let Some(content) = self.look_again() {
            self.answer(&content);
            return Look::Now(self, Some(content));
        }
        if self.function.remotes.is_empty() || self.role.probe().is_none() {
            return Look::Now(self, None);
        }
        Look::Later(Box::pin(async move {
            let found = self.look_below(absent).await;
            (self, found)
        }))
    }

    /// What the source is yet to get is newer than anything that could be found, and than what a load would bring.
    pub(in crate::call) fn pending(&self) -> Option<Content> {
        let behind = self.function.behind.as_ref()?;
        let (content, plan) = behind.pending(self.role.probe()?.bytes)?;
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

    async fn look_below(&mut self, absent: bool) -> Option<Content> {
        let begun = Instant::now();
        let found = self.look_down(absent, begun).await;
        if found.is_some() {
            return found;
        }
        let budgets = self.function.remotes.iter().map(|remote| remote.guarded.budget());
        let all = budgets.fold(Duration::ZERO, Duration::saturating_add);
        self.patience = all.saturating_sub(begun.elapsed());
        None
    }

    async fn look_down(&mut self, absent: bool, mut begun: Instant) -> Option<Content> {
        let replace = matches!(self.role, Role::Alone { replace: true, .. });
        let ages = self.function.spec.ages();
        let key = self.function.full_key(self.role.probe()?.bytes);
        // By number, and not by a reference to the function of its own: of that there is one count for all calls.
        for index in 0..self.function.remotes.len() {
            let remote = &self.function.remotes[index];
            if replace {
                let permit = Box::pin(remote.reserve(&key)).await;
                self.permits.push(permit.ok());
                continue;
            }
            // To be kept by a tier above no longer than here.
            let life = ages || self.function.memory.is_some() || !self.permits.is_empty();
            let form = self.function.form(absent)?;
            match remote.get(&key, &form, life, begun).await {
                Had::Nothing(permit) => {
                    self.permits.push(permit);
                    begun = Instant::now();
                }
                // Another process may have loaded it anew, which is as good; else it is to be replaced.
                Had::Entry { plan, .. } if self.again.is_some() && plan.is_due() => {
                    let permit = Box::pin(remote.reserve(&key)).await;
                    self.permits.push(permit.ok());
                    begun = Instant::now();
                }
                Had::Entry { content, plan } => {
                    if ages {
                        self.aged(&plan);
                    }
                    self.fill_memory(&content, plan);
                    self.answer_hit(&content);
                    self.backfill(key, &content, plan);
                    return Some(content);
                }
            }
        }
        None
    }

    /// What is read in a remote tier is kept there for longer, and loaded anew where it is due.
    fn aged(&mut self, plan: &Plan) {
        self.due = plan.is_due().then(|| self.role.probe().map(Keyed::new)).flatten();
        if let (Some(_), Some(probe)) = (plan.idle, self.role.probe()) {
            self.function.tell_below(probe, plan.whole_left());
        }
    }
}

//! The look of a batch in the remote tiers, before its body.

use std::sync::Arc;
use std::time::Instant;

use super::super::keep::{self, Kept};
use super::{Load, Looking, Many, Role};
use crate::entry::Content;
use crate::resilience::Failed;
use crate::tier::remote::Had;
use crate::tier::stamps::Stamp;

impl Many {
    /// Looks down the remote tiers, in each for all that those above it did not have.
    pub(in crate::call::many) fn look(mut self: Box<Self>) -> Looking {
        Box::pin(async move {
            let begun = Instant::now();
            for index in 0..self.function.remotes.len() {
                if self.loads.is_empty() {
                    break;
                }
                self.look_in(index).await;
            }
            self.patience = self.function.budgets().saturating_sub(begun.elapsed());
            self.look_once_more();
            self
        })
    }

    /// They may have been written since they were looked for, and be there no more: what the permits are for is then older.
    /// Or somebody else has loaded them, where this was kept and not polled.
    fn look_once_more(&mut self) {
        for load in std::mem::take(&mut self.loads) {
            match self.at_hand(load.slot, &load.role, load.stamp) {
                Some(content) => self.found(load.slot, load.role, content),
                None => self.loads.push(load),
            }
        }
    }

    /// What waits to be written, or is in memory by now.
    pub(super) fn at_hand(&self, slot: usize, role: &Role, stamp: Stamp) -> Option<Content> {
        let function = &self.function;
        let behind = function.behind.as_ref();
        let pending = behind.and_then(|behind| self.pending(behind, slot, role, stamp));
        pending.or_else(|| match role {
            Role::Replace | Role::Off => None,
            Role::Alone | Role::Flight(_) => function.memory.as_ref()?.read_again(&self.slots[slot].probe()),
        })
    }

    async fn look_in(&mut self, index: usize) {
        let function = Arc::clone(&self.function);
        let (remote, Some(form)) = (&function.remotes[index], function.form(true)) else {
            return;
        };
        let (mut looking, loads): (Vec<Load>, Vec<Load>) = std::mem::take(&mut self.loads)
            .into_iter()
            .partition(|load| matches!(load.role, Role::Alone | Role::Flight(_)));
        let (mut replacing, off): (Vec<Load>, Vec<Load>) = loads
            .into_iter()
            .partition(|load| matches!(load.role, Role::Replace));
        let keys: Vec<&str> = replacing.iter().map(|load| load.key.as_str()).collect();
        let permits = remote.reserve_many(&keys, &mut self.failed).await;
        for (load, permit) in replacing.iter_mut().zip(permits) {
            load.permits.push(permit);
        }
        let keys: Vec<String> = looking
            .iter_mut()
            .map(|load| std::mem::take(&mut load.key))
            .collect();
        let hads = remote.get_many(&keys, &form).await;
        let (mut above, mut read) = (Vec::new(), Vec::new());
        for ((mut load, key), had) in looking.into_iter().zip(keys).zip(hads) {
            match had {
                Had::Nothing(permit) => {
                    load.key = key;
                    load.permits.push(permit);
                    self.loads.push(load);
                }
                Had::Entry { content, plan } => {
                    if plan.idle.is_some() {
                        read.push((key.clone(), plan.whole_left()));
                    }
                    self.fill_memory(load.slot, load.stamp, &content, plan);
                    self.found(load.slot, load.role, content.clone());
                    if load.permits.iter().any(Option::is_some) {
                        above.push(Kept::new(key, content, plan, load.permits));
                    }
                }
            }
        }
        function.tell_many_below(read);
        self.loads.extend(replacing);
        self.loads.extend(off);
        if !above.is_empty() {
            let background = function.background.clone();
            background.spawn(async move { keep::fill(&function, &above, &mut Failed::default()).await });
        }
    }
}

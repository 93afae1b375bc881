//! How a call that memory could not answer goes on: which flight it leads or joins, or whether it goes alone; and what the
//! tiers below have for it, before there is a body.
//!
//! On values whose type is not known here, compiled once for all functions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::load::{Keyed, Load, Role};
use super::steps::Steps;
use crate::caches::function::Function;
use crate::flight::{self, Answer, Joined};
use crate::policy::Mode;
use crate::tier::memory::Probe;

/// A key to look for, hashed.
#[inline]
pub(crate) fn probe_of(bytes: &[u8]) -> Probe<'_> {
    Probe {
        hash: crate::key::hash(bytes),
        bytes,
    }
}

/// The caller before is kept and not polled, which nobody else would tell.
pub(crate) fn tell_of_lost(function: &Function, lead: &flight::Lead) {
    if lead.tells_of_lost() {
        tracing::warn!(
            function = &*function.name,
            key = function.text(lead.probe().bytes),
            "a load that others wait for has not been polled for a second, so that another caller loads in its place; poll \
             calls to their end, or spawn them"
        );
    }
}

/// How a call that memory could not answer goes on.
pub struct Start {
    /// Goes into the load.
    function: Option<Arc<Function>>,
    way: Way,
}

enum Way {
    /// Past the cache.
    Past,
    /// Inside of the load of the same key: the body and nothing else.
    Off,
    /// A load of its own, which replaces what is there (`Refresh`) or not.
    Alone {
        key: Box<Keyed>,
        replace: bool,
    },
    Lead(flight::Lead),
    Follow(flight::Wait),
    /// Looking in the tiers below memory. Boxed: as a rule what is looked for is in memory.
    Look(Box<Steps>),
}

impl Start {
    pub(crate) fn new(function: &Arc<Function>, mode: Mode, probe: Probe<'_>) -> Self {
        let alone = |replace| Way::Alone {
            key: Box::new(Keyed::new(probe)),
            replace,
        };
        let way = match mode {
            _ if function.disabled => Way::Past,
            Mode::Off => Way::Past,
            Mode::Refresh => alone(true),
            Mode::Normal => {
                if function.memory.is_some() {
                    function.counts.memory_misses.add_one();
                }
                if function.spec.single_flight {
                    match function.flights.join(probe) {
                        Joined::Leader(lead) => Way::Lead(lead),
                        Joined::Follower(wait) => Way::Follow(wait),
                        Joined::Inside => Way::Off,
                    }
                } else {
                    alone(false)
                }
            }
        };
        Self {
            function: Some(Arc::clone(function)),
            way,
        }
    }

    /// Ready with the load that is this caller's, or with none once `read` has made something of an answer: of a flight's, or
    /// of what the tiers below memory have. `absent` says whether the function can return that there is none.
    pub(super) fn poll(
        &mut self,
        absent: bool,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(Answer) -> bool,
    ) -> Poll<Option<Steps>> {
        if !matches!(self.way, Way::Look(_)) {
            let Some(load) = ready!(self.poll_turn(context, read)) else {
                return Poll::Ready(None);
            };
            // What is found may have to be loaded anew, and only the caller knows how.
            if load.reloads() {
                return Poll::Ready(Some(Steps::new(load)));
            }
            let mut steps = Steps::new(load);
            match steps.poll_look(absent, context) {
                Poll::Ready(found) => {
                    let is_read = found.is_some_and(|content| read(Answer::Content(content)));
                    return Poll::Ready((!is_read).then_some(steps));
                }
                Poll::Pending => self.way = Way::Look(Box::new(steps)),
            }
            return Poll::Pending;
        }
        let Way::Look(steps) = &mut self.way else {
            return Poll::Pending;
        };
        let found = ready!(steps.poll_look(absent, context));
        let is_read = found.is_some_and(|content| read(Answer::Content(content)));
        match std::mem::replace(&mut self.way, Way::Off) {
            Way::Look(steps) if !is_read => Poll::Ready(Some(*steps)),
            _ => Poll::Ready(None),
        }
    }

    fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(Answer) -> bool,
    ) -> Poll<Option<Load>> {
        let turn = match &mut self.way {
            Way::Follow(wait) => {
                let mut read = |answer: &Answer| read(answer.clone());
                Some(ready!(Pin::new(wait).poll_turn(context, &mut read)))
            }
            _ => None,
        };
        let role = match (turn, std::mem::replace(&mut self.way, Way::Off)) {
            (Some(flight::Turn::Answered), _) => {
                if let Some(function) = &self.function {
                    function.counts.misses.add_one();
                }
                return Poll::Ready(None);
            }
            (Some(flight::Turn::Lead(lead)), _) | (None, Way::Lead(lead)) => {
                if let Some(function) = &self.function {
                    tell_of_lost(function, &lead);
                }
                Role::Flight(lead)
            }
            (None, Way::Alone { key, replace }) => Role::Alone { key, replace },
            (None, Way::Past) => Role::Past,
            (None, Way::Off | Way::Follow(_) | Way::Look(_)) => Role::Off,
        };
        match self.function.take() {
            Some(function) => Poll::Ready(Some(Load::new(function, role))),
            // Polled after it was ready: a mistake of the caller's.
            None => Poll::Pending,
        }
    }
}

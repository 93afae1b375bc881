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

    /// Whether it leads, and looks in the tiers below memory before there is a body.
    pub(super) fn looks_below(&self) -> bool {
        let below = |function: &Arc<Function>| !function.remotes.is_empty() && !function.spec.reloads();
        matches!(self.way, Way::Lead(_) | Way::Alone { .. }) && self.function.as_ref().is_some_and(below)
    }

    /// Ready with the load that is this caller's, or with none once `read` has made something of an answer: of a flight's, or
    /// of what the tiers below memory have. `absent` says whether the function can return that there is none; `looks` is the
    /// place of the load while it looks there.
    pub(super) fn poll(
        &mut self,
        looks: &mut Option<Steps>,
        absent: bool,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(Answer) -> bool,
    ) -> Poll<Option<Steps>> {
        let steps = match looks {
            Some(steps) => steps,
            None => {
                let Some(role) = ready!(self.poll_turn(context, read)) else {
                    return Poll::Ready(None);
                };
                let Some(function) = self.function.take() else {
                    // Polled after it was ready: a mistake of the caller's.
                    return Poll::Pending;
                };
                // What is found may have to be loaded anew, and only the caller knows how.
                if function.spec.reloads() {
                    return Poll::Ready(Some(Steps::new(Load::new(function, role))));
                }
                looks.insert(Steps::new(Load::new(function, role)))
            }
        };
        let found = ready!(steps.poll_look(absent, context));
        if found.is_some_and(|content| read(Answer::Content(content))) {
            *looks = None;
        }
        Poll::Ready(looks.take())
    }

    fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(Answer) -> bool,
    ) -> Poll<Option<Role>> {
        let turn = match &mut self.way {
            Way::Follow(wait) => {
                let mut read = |answer: &Answer| read(answer.clone());
                Some(ready!(Pin::new(wait).poll_turn(context, &mut read)))
            }
            _ => None,
        };
        Poll::Ready(match (turn, std::mem::replace(&mut self.way, Way::Off)) {
            (Some(flight::Turn::Answered), _) => {
                if let Some(function) = &self.function {
                    function.counts.misses.add_one();
                }
                None
            }
            (Some(flight::Turn::Lead(lead)), _) | (None, Way::Lead(lead)) => {
                if let Some(function) = &self.function {
                    tell_of_lost(function, &lead);
                }
                Some(Role::Flight(lead))
            }
            (None, Way::Alone { key, replace }) => Some(Role::Alone { key, replace }),
            (None, Way::Past) => Some(Role::Past),
            (None, Way::Off | Way::Follow(_)) => Some(Role::Off),
        })
    }
}

//! How a call that memory could not answer goes on: which flight it leads or joins, or whether it goes alone.
//!
//! On values whose type is not known here, compiled once for all functions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::load::{Keyed, Load, Role};
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

    /// Ready with the load that is this caller's, or with none once `read` has made something of a flight's answer.
    pub(super) fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(&Answer) -> bool,
    ) -> Poll<Option<Load>> {
        let turn = match &mut self.way {
            Way::Follow(wait) => match Pin::new(wait).poll_turn(context, read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(turn) => Some(turn),
            },
            Way::Past | Way::Off | Way::Alone { .. } | Way::Lead(_) => None,
        };
        let role = match (turn, std::mem::replace(&mut self.way, Way::Off)) {
            (Some(flight::Turn::Answered), _) => {
                if let Some(function) = &self.function {
                    function.counts.misses.add_one();
                }
                return Poll::Ready(None);
            }
            (Some(flight::Turn::Lead(lead)), _) | (None, Way::Lead(lead)) => Role::Flight(lead),
            (None, Way::Alone { key, replace }) => Role::Alone { key, replace },
            (None, Way::Past) => Role::Past,
            (None, Way::Off | Way::Follow(_)) => Role::Off,
        };
        match self.function.take() {
            Some(function) => Poll::Ready(Some(Load::new(function, role))),
            // Polled after it was ready: a mistake of the caller's.
            None => Poll::Pending,
        }
    }
}

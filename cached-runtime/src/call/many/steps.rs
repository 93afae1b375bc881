//! A batch step by step: what is awaited before its body, and after it.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::load::Looking;
use super::{Keys, Many, Waits};
use crate::call::Keeping;
use crate::flight::{Answer, Pulse, Within};
use crate::policy::Mode;

/// What is awaited, on values whose type is not known here. Nothing of an error is ever held: it may not be able to
/// cross threads.
pub(super) enum Steps {
    /// No cache: the body, once, with the ids as they are.
    Uncached,
    Cached {
        stage: Stage,
        waits: Waits,
        /// Into the remote tiers.
        keeping: Option<Keeping>,
        /// Of what it leads.
        pulse: Arc<Pulse>,
    },
}

pub(super) enum Stage {
    Here(Box<Many>),
    /// In the remote tiers.
    Looking(Looking),
    Nothing,
}

impl Stage {
    pub(super) fn many(&mut self) -> Option<&mut Many> {
        match self {
            Self::Here(many) => Some(many),
            Self::Looking(_) | Self::Nothing => None,
        }
    }

    pub(super) fn missing(&mut self) -> Vec<usize> {
        self.many()
            .map(|many| many.missing().collect())
            .unwrap_or_default()
    }
}

impl Steps {
    pub(super) fn begin(mut keys: Keys, mode: Mode) -> (Keys, Self) {
        let pulse = Arc::default();
        let (stage, waits) = match keys.function.take() {
            None if keys.ids == 0 => (Stage::Nothing, Waits::default()),
            Some(function) if !function.disabled && mode != Mode::Off => {
                let slots = std::mem::take(&mut keys.slots);
                let (many, waits) = Many::new(function, mode, slots, &pulse);
                (Stage::Here(Box::new(many)), waits)
            }
            _ => return (keys, Self::Uncached),
        };
        let steps = Self::Cached {
            stage,
            waits,
            keeping: None,
            pulse,
        };
        (keys, steps)
    }

    /// Polls it as the one of all that it leads.
    pub(super) fn alive<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let pulse = match self {
            Self::Cached { pulse, .. } => Arc::clone(pulse),
            Self::Uncached => return poll(self, context),
        };
        let beat = pulse.beat();
        let polled = poll(self, context);
        drop(beat);
        if polled.is_pending() {
            pulse.rest(context.waker());
        }
        polled
    }

    pub(super) fn run(&mut self) {
        if let Self::Cached { stage, .. } = self
            && let Some(many) = stage.many()
        {
            many.run();
        }
    }

    pub(super) fn within(&mut self) -> Option<Within> {
        match self {
            Self::Cached { stage, .. } => stage.many().map(|many| many.within()),
            Self::Uncached => None,
        }
    }

    /// Ready with whether the body is to run.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        read: &mut dyn FnMut(&Answer) -> bool,
    ) -> Poll<bool> {
        let Self::Cached {
            stage,
            waits,
            keeping,
            ..
        } = self
        else {
            return Poll::Ready(true);
        };
        if let Some(storing) = keeping {
            ready!(storing.as_mut().poll(context));
            *keeping = None;
        }
        loop {
            let mut many = match std::mem::replace(stage, Stage::Nothing) {
                Stage::Here(many) => many,
                Stage::Looking(mut looking) => match looking.as_mut().poll(context) {
                    Poll::Ready(many) => many,
                    Poll::Pending => {
                        *stage = Stage::Looking(looking);
                        return Poll::Pending;
                    }
                },
                Stage::Nothing => return Poll::Ready(false),
            };
            if many.is_loading() {
                *stage = Stage::Here(many);
                return Poll::Ready(true);
            }
            if many.is_due() {
                *stage = if many.begin() {
                    Stage::Looking(many.look())
                } else {
                    Stage::Here(many)
                };
                continue;
            }
            if waits.is_empty() {
                *stage = Stage::Here(many);
                return Poll::Ready(false);
            }
            let polled = waits.poll(context, &mut |slot, answer| {
                let useful = read(answer);
                match answer {
                    Answer::Content(content) => many.told(slot, content),
                    Answer::Error(_) if useful => many.told_failure(),
                    Answer::Error(_) => {}
                }
                useful
            });
            let polled = polled.map(|leads| many.lead(leads));
            *stage = Stage::Here(many);
            ready!(polled);
        }
    }
}

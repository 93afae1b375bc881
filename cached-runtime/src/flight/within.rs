//! Which flights are led further up this very stack.
//!
//! Whoever asks, from inside of a load, for what that load is about would wait for himself. A load says here that it
//! is about to poll the user's body, so the list is that of one poll on one thread, and nothing is kept in between. A
//! batch leads many flights by one body: it says so once, and each of them knows of which batch it is.
//!
//! He would also if somebody else leads it who waits, from inside of a load too, for what he leads: two batches, each with
//! the parent of what the other has. So whoever begins to wait inside of a load says for whom ([`Waiting`]), and before
//! that it is seen whether those wait for him, over however many others. Who waits outside of all loads is waited for by
//! nobody, and does nothing of this.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::state::Flight;

thread_local! {
    static LED: RefCell<Vec<Led>> = const { RefCell::new(Vec::new()) };
}

/// For whom they wait who lead something, and how often. One for the process: a circle may lead through several caches.
static WAITING: Mutex<Option<Graph>> = Mutex::new(None);

/// The flights that are waited for go by number; each is there itself, for who leads it may change.
type Graph = HashMap<Led, HashMap<u64, (Arc<Flight>, usize)>>;

fn graph() -> MutexGuard<'static, Option<Graph>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One who leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Led {
    /// By number. It may be over: what its body has begun to wait for may outlive it.
    Flight(u64),
    Group(u64),
}

/// A batch among all of the process, as one who leads.
#[derive(Clone, Copy)]
pub(crate) struct Group(pub(super) u64);

impl Group {
    pub(crate) fn new() -> Self {
        static GROUPS: AtomicU64 = AtomicU64::new(1);
        Self(GROUPS.fetch_add(1, Relaxed))
    }

    /// Until what this returns is dropped again, the body of this batch is being polled by this thread.
    pub(crate) fn enter(self) -> Within {
        Within::enter_as(Led::Group(self.0))
    }
}

/// The body of a load is being polled.
pub(crate) struct Within(());

impl Within {
    pub(super) fn enter(flight: &Arc<Flight>) -> Self {
        Self::enter_as(Led::Flight(flight.number))
    }

    fn enter_as(led: Led) -> Self {
        // A thread that is about to end has no list any more.
        let _ = LED.try_with(|all| all.borrow_mut().push(led));
        Self(())
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        let _ = LED.try_with(|led| led.borrow_mut().pop());
    }
}

impl Led {
    /// Whoever leads `flight`.
    fn by_whom(flight: &Arc<Flight>) -> Self {
        match flight.group() {
            0 => Self::Flight(flight.number),
            group => Self::Group(group),
        }
    }
}

/// Whether the caller is inside of the body of a load.
pub(crate) fn is_leading() -> bool {
    LED.try_with(|led| !led.borrow().is_empty()).unwrap_or(false)
}

/// He would wait for himself.
pub(super) struct Circle;

/// Those who lead further up this stack wait for somebody, until this is dropped.
pub(super) struct Waiting {
    these: Vec<Led>,
    whom: Arc<Flight>,
}

impl Waiting {
    /// Waits for `flight`, of which no note is taken where nobody leads anything here.
    pub(super) fn begin(flight: &Arc<Flight>) -> Result<Option<Box<Self>>, Circle> {
        LED.try_with(|led| Self::begin_inside(&led.borrow(), flight))
            .unwrap_or(Ok(None))
    }

    fn begin_inside(these: &[Led], flight: &Arc<Flight>) -> Result<Option<Box<Self>>, Circle> {
        if these.is_empty() {
            return Ok(None);
        }
        let mut graph = graph();
        let graph = graph.get_or_insert_default();
        let (mut seen, mut next) = (HashSet::new(), vec![Led::by_whom(flight)]);
        while let Some(led) = next.pop() {
            if these.contains(&led) {
                return Err(Circle);
            }
            if seen.insert(led)
                && let Some(further) = graph.get(&led)
            {
                next.extend(further.values().map(|(flight, _)| Led::by_whom(flight)));
            }
        }
        for led in these {
            let whom = graph.entry(*led).or_default();
            whom.entry(flight.number)
                .or_insert_with(|| (Arc::clone(flight), 0))
                .1 += 1;
        }
        let these = these.to_vec();
        let whom = Arc::clone(flight);
        Ok(Some(Box::new(Self { these, whom })))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut graph = graph();
        let Some(graph) = &mut *graph else { return };
        for led in &self.these {
            let Some(whom) = graph.get_mut(led) else { continue };
            let number = self.whom.number;
            if let Some((_, times)) = whom.get_mut(&number) {
                *times -= 1;
                if *times == 0 {
                    whom.remove(&number);
                }
            }
            if whom.is_empty() {
                graph.remove(led);
            }
        }
    }
}

//! Which flights are led further up this very stack.
//!
//! Whoever asks, from inside of a load, for what that load is about would wait for himself. A load says here that it
//! is about to poll the user's body, so the list is that of one poll on one thread, and nothing is kept in between. A
//! batch leads many flights by one body: it says so once, and each of them knows of which batch it is.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::state::Flight;

thread_local! {
    static LED: RefCell<Vec<Led>> = const { RefCell::new(Vec::new()) };
}

#[derive(PartialEq, Eq)]
enum Led {
    /// By address: a flight in here is held by its leader.
    Flight(usize),
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
        Self::enter_as(Led::Flight(Arc::as_ptr(flight).addr()))
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

/// Whether `flight` is led by who asks.
pub(super) fn is_led_here(flight: &Arc<Flight>) -> bool {
    let (alone, group) = (
        Led::Flight(Arc::as_ptr(flight).addr()),
        Led::Group(flight.group()),
    );
    LED.try_with(|led| led.borrow().iter().any(|led| *led == alone || *led == group))
        .unwrap_or(false)
}

//! Which flights are led further up this very stack.
//!
//! Whoever asks, from inside of a load, for what that load is about would wait for himself. A load says here that it
//! is about to poll the user's body, so the list is that of one poll on one thread, and nothing is kept in between.

use std::cell::RefCell;
use std::sync::Arc;

use super::state::Flight;

thread_local! {
    /// By address: a flight in here is held by its leader.
    static LED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The body of a load is being polled.
pub(crate) struct Within(());

impl Within {
    pub(super) fn enter(flight: &Arc<Flight>) -> Self {
        // A thread that is about to end has no list any more.
        let _ = LED.try_with(|led| led.borrow_mut().push(Arc::as_ptr(flight).addr()));
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
    LED.try_with(|led| led.borrow().contains(&Arc::as_ptr(flight).addr()))
        .unwrap_or(false)
}

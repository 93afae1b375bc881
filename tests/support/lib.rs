//! What the tests share: servers of their own, counters, clocks.

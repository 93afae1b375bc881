//! What the library logs, for a test to read.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Hears the warnings and errors of this thread, which of a `#[tokio::test]` are all of them, until it is dropped.
pub struct Heard(PhantomData<*const ()>);

impl Heard {
    #[expect(clippy::new_without_default, reason = "it begins something")]
    pub fn new() -> Self {
        // One for all threads: whether anybody listens is remembered for each place that logs.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Log(Level::WARN, keep)).unwrap());
        LINES.set(Some(Vec::new()));
        Self(PhantomData)
    }

    /// Those that hold `words`, as `WARN message=.. field=..`, the oldest first.
    pub fn with(&self, words: &str) -> Vec<String> {
        LINES.with_borrow(|lines| {
            let lines = lines.iter().flatten();
            lines.filter(|line| line.contains(words)).cloned().collect()
        })
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// Adds a line to those of this thread.
fn keep(line: String) {
    // A thread that is about to end has none any more.
    let _ = LINES.try_with(|lines| {
        if let Some(lines) = &mut *lines.borrow_mut() {
            lines.push(line);
        }
    });
}

/// Gives each event of a level or above away, as one line: `WARN message=.. field=..`.
pub struct Log(pub Level, pub fn(String));

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        (self.1)(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

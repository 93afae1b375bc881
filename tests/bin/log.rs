//! Logs to stderr, one line an event: `ERROR message=..`. Enough for a test to read.

use cached_tests::Log;

/// From here on warnings and errors are written.
pub(crate) fn start() {
    let write = |line: String| eprintln!("{}", line.replace('\n', " "));
    tracing::subscriber::set_global_default(Log(write)).unwrap();
}

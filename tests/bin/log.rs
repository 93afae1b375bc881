//! Logs to stderr, one line an event: `ERROR message=..`. Enough for a test to read.

use cached_tests::Log;
use tracing::Level;

/// From here on they are written, but for those that only help to find a fault.
pub(crate) fn start() {
    let write = |line: String| eprintln!("{}", line.replace('\n', " "));
    tracing::subscriber::set_global_default(Log(Level::INFO, write)).unwrap();
}

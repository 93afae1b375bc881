//! What must hold for every key, template and pattern. More than a million cases in all, a few seconds of each core.

mod globs;
mod model;
mod templates;
mod values;

use proptest::string::{RegexGeneratorStrategy, string_regex};
use proptest::test_runner::Config;

/// Texts that match `regex`, which is read once: a bare `&str` would be read again for every case.
fn texts(regex: &str) -> RegexGeneratorStrategy<String> {
    string_regex(regex).expect("a regular expression")
}

/// A run of `count` cases, or of as many as the variable `PROPTEST_CASES` says. What a run finds becomes a test of its
/// own beside the code, so failures are not written to files.
fn cases(count: u32) -> Config {
    let wanted = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|number| number.parse().ok());
    Config {
        cases: wanted.unwrap_or(count),
        failure_persistence: None,
        ..Config::default()
    }
}

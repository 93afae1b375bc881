//! Any pattern on any text: ends soon, and keeps what it says of escaping.

#![no_main]

use cached_runtime::fuzzing::key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str)| {
    let (pattern, text) = data;
    if key::glob_matches(pattern, text) {
        assert!(key::glob_matches(&format!("{pattern}*"), text) || pattern.contains(['[', '\\']));
        assert!(key::glob_matches(&format!("*{pattern}"), text));
    }
    let escaped = key::glob_escape(text);
    assert!(key::glob_matches(&escaped, text));
    assert_eq!(key::glob_matches(&escaped, pattern), pattern == text);

    let value = key::escape(text);
    assert_eq!(key::glob_escape(&value), value);
});

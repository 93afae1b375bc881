//! Patterns against a matcher that follows the definition and nothing else.

use cached_runtime::fuzzing::key;
use proptest::prelude::*;

use crate::{cases, texts};

/// Whether `pattern` matches `text`, by trying everything.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        [first, rest @ ..] => {
            let Some((byte, text)) = text.split_first() else {
                return false;
            };
            match (first, rest) {
                (b'?', _) => matches(rest, text),
                (b'[', _) => {
                    let negated = rest.first() == Some(&b'^');
                    let (found, rest) = class(&rest[usize::from(negated)..], *byte);
                    found != negated && matches(rest, text)
                }
                (b'\\', [escaped, rest @ ..]) => escaped == byte && matches(rest, text),
                _ => first == byte && matches(rest, text),
            }
        }
    }
}

/// Whether a class holds `byte`, and what follows it.
fn class(members: &[u8], byte: u8) -> (bool, &[u8]) {
    let (found, rest) = match members {
        [] => return (false, members),
        [b'\\', escaped, rest @ ..] => (*escaped == byte, rest),
        [b']', rest @ ..] => return (false, rest),
        [from, b'-', to, rest @ ..] => (
            (*from..=*to).contains(&byte) || (*to..=*from).contains(&byte),
            rest,
        ),
        [member, rest @ ..] => (*member == byte, rest),
    };
    let (later, rest) = class(rest, byte);
    (found || later, rest)
}

proptest! {
    #![proptest_config(cases(120_000))]

    #[test]
    fn a_glob_matches_what_the_definition_says(pattern in texts("[ab*?\\[\\]^\\\\é-]{0,8}"), text in texts("[abé\\[\\]*\\\\-]{0,6}")) {
        let matched = key::glob_matches(&pattern, &text);
        prop_assert_eq!(matched, matches(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn an_escaped_text_matches_itself_alone(text in texts("[ab*?\\[\\]^\\\\é-]{0,4}"), other in texts("[ab*?\\[\\]^\\\\é-]{0,4}")) {
        let pattern = key::glob_escape(&text);
        prop_assert!(key::glob_matches(&pattern, &text));
        prop_assert_eq!(key::glob_matches(&pattern, &other), text == other);
    }

    #[test]
    fn an_escaped_value_is_no_glob_and_holds_no_separator(text in texts("[ -~é→\\u{0}\\u{10FFFF}]{0,12}")) {
        let value = key::escape(&text);
        prop_assert_eq!(key::glob_escape(&value), value.clone());
        prop_assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte)));
    }
}

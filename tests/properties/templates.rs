//! Whole keys: literals, values and tags together.

use cached_runtime::fuzzing::key::{self, Keys};
use proptest::prelude::*;

use crate::model::{Value, compact, tricky_text, tricky_value};
use crate::{cases, texts};

/// A template that keeps the separator rule, as head and tails.
type Literals = (String, Vec<String>);

fn template() -> impl Strategy<Value = Literals> {
    let separated = (
        texts("[aN0(%),]{0,2}"),
        texts("[:|#é{*]"),
        texts("[aN0(%),:#]{0,2}"),
    )
        .prop_map(|(a, b, c)| a + &b + &c);
    (
        tricky_text(),
        prop::collection::vec(separated, 0..3),
        prop::option::of(tricky_text()),
    )
        .prop_map(|(head, mut tails, last)| {
            tails.extend(last);
            (head, tails)
        })
}

/// The values and the tags of one key.
type Parts = (Vec<Value>, Vec<String>);

fn keys((head, tails): &Literals) -> Keys {
    Keys::new(head, tails.iter().map(String::as_str))
}

/// A template, and two lists of as many values as it has places, with tags.
fn with_values() -> impl Strategy<Value = (Literals, [Parts; 2])> {
    let key = || {
        (
            prop::collection::vec(tricky_value(), 3),
            prop::collection::vec(tricky_text(), 0..2),
        )
    };
    (template(), [key(), key()]).prop_map(|(literals, mut keys)| {
        // A template has at most three places, so no other number of values need be made.
        for (values, _) in &mut keys {
            values.truncate(literals.1.len());
        }
        (literals, keys)
    })
}

proptest! {
    #![proptest_config(cases(100_000))]

    #[test]
    fn a_key_and_its_text_lead_to_each_other((literals, [(values, tags), _]) in with_values()) {
        let (keys, compact) = (keys(&literals), compact(&values, &tags));
        let text = keys.text(&compact);
        prop_assert_eq!(keys.compact(&text), Some(compact), "{}", text);
        prop_assert!(key::glob_matches(&keys.glob(), &text), "{} does not match {}", keys.glob(), text);
    }

    #[test]
    fn two_keys_share_a_text_only_if_they_are_one((literals, [one, other]) in with_values()) {
        let keys = keys(&literals);
        let meanings = |values: &[Value]| values.iter().map(Value::meaning).collect::<Vec<_>>();
        let same = meanings(&one.0) == meanings(&other.0) && one.1 == other.1;
        let (one, other) = (compact(&one.0, &one.1), compact(&other.0, &other.1));
        prop_assert_eq!(one == other, same);
        prop_assert_eq!(keys.text(&one) == keys.text(&other), same);
    }

    #[test]
    fn only_texts_of_its_keys_are_parsed(literals in template(), text in texts("[aN0(%),:|#]{0,8}")) {
        let keys = keys(&literals);
        for text in [format!("{}{text}", literals.0), text] {
            if let Some(compact) = keys.compact(&text) {
                prop_assert_eq!(keys.text(&compact), text);
            }
        }
    }
}

//! One value: its text, its bytes, and that no two values share either.

use cached_runtime::fuzzing::key::{self, Keys};
use proptest::prelude::*;

use crate::model::{any_value, tricky_value};
use crate::{cases, texts};

proptest! {
    #![proptest_config(cases(100_000))]

    #[test]
    fn the_text_is_what_the_rules_say_and_leads_back_to_the_bytes(value in any_value()) {
        let compact = key::compact(&value);
        let text = key::text(&value);
        prop_assert_eq!(&text, &value.meaning().text());
        prop_assert_eq!(Keys::new("", [""]).compact(&text), Some(compact));
    }
}

proptest! {
    #![proptest_config(cases(150_000))]

    #[test]
    fn bytes_are_equal_where_texts_are_and_where_values_are(one in tricky_value(), other in tricky_value()) {
        let same = one.meaning() == other.meaning();
        prop_assert_eq!(key::compact(&one) == key::compact(&other), same);
        prop_assert_eq!(key::text(&one) == key::text(&other), same);
    }

    #[test]
    fn only_what_rendering_makes_is_parsed(text in texts("[01AaN%(),é]{0,8}")) {
        let keys = Keys::new("", [""]);
        if let Some(compact) = keys.compact(&text) {
            prop_assert_eq!(keys.text(&compact), text);
        }
    }

    #[test]
    fn bytes_that_no_key_is_made_of_do_no_harm(compact in prop::collection::vec(0_u8..8, 0..12)) {
        Keys::new("a", [":", ""]).text(&compact);
    }
}

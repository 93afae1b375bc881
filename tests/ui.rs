//! What the attributes refuse, in whose words, and what they accept. A case is named after the argument it is about.

/// Apart from the others, since these are compiled all at once.
#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

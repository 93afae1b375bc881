//! What the attributes refuse, in whose words, and what they accept. A case is named after the argument it is about.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*.rs");
    cases.pass("ui/pass/*.rs");
}

//! What the attributes refuse, in whose words, and what they accept. A case is named after the argument it is about.
//!
//! A case has one mistake, or says how many: `// mistakes: 2`. Where the compiler needs more messages than there are
//! mistakes, it says how many and why: `// mistakes: 1, told in 3: ..`.

use std::fs;
use std::path::Path;

/// Apart from the others, since these are compiled all at once.
#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn a_mistake_is_told_once() {
    let cases = fs::read_dir("ui").expect("the cases");
    let mut cases: Vec<_> = cases.map(|case| case.expect("a case").path()).collect();
    cases.retain(|case| case.extension().is_some_and(|extension| extension == "rs"));
    assert!(cases.len() > 100, "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| miscounted(case)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn miscounted(case: &Path) -> Option<String> {
    let source = fs::read_to_string(case).expect("a source");
    let told = fs::read_to_string(case.with_extension("stderr")).expect("what the compiler says");
    let errors = told.lines().filter(|line| line.starts_with("error")).count();
    let expected = source
        .lines()
        .find_map(|line| line.strip_prefix("// mistakes: "))
        .map_or(1, expected);
    (errors != expected).then(|| format!("{}: {errors} messages for {expected}", case.display()))
}

/// `2`, or `1, told in 3: the reason`.
fn expected(text: &str) -> usize {
    let told = text.split_once(", told in ").map_or(text, |(_, told)| told);
    let number = told.split(':').next().unwrap_or(told);
    number.trim().parse().expect("a number of mistakes")
}

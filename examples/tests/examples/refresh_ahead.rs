//! What the example of `refresh_ahead` promises on the terminal.

use crate::place::Place;

#[test]
fn one_call_waits_and_no_other() {
    let said = Place::new().run("refresh-ahead");
    assert!(said.contains("calls that waited: 1\n"), "{said}");
    let reloads = said
        .split("queries run in the background: ")
        .nth(1)
        .unwrap()
        .trim();
    // Two seconds of calls, an entry that is due after 300 ms, and a machine that may be busy with other things.
    let reloads: u64 = reloads.parse().unwrap();
    assert!((1..=8).contains(&reloads), "{said}");
}

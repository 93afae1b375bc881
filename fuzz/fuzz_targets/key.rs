//! Values of any shape: bytes and text lead to each other, and bytes or text from elsewhere do no harm.

#![no_main]

use std::cell::RefCell;

use cached_runtime::fuzzing::key::{self, Keys};
use cached_runtime::{KeyPart, KeyWriter, Written};
use libfuzzer_sys::fuzz_target;

/// The value that a stream of instructions spells.
struct Spelled<'a>(&'a RefCell<&'a [u8]>);

impl Spelled<'_> {
    fn take(&self, count: usize) -> &[u8] {
        let mut rest = self.0.borrow_mut();
        let (taken, after) = rest.split_at(count.min(rest.len()));
        *rest = after;
        taken
    }
}

impl KeyPart for Spelled<'_> {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        match self.take(1) {
            [] | [0] => key.none(),
            [1] => key.some(self),
            [2] => {
                let mut number = [0; 16];
                let bytes = self.take(16);
                number[..bytes.len()].copy_from_slice(bytes);
                key.integer(i128::from_le_bytes(number))
            }
            [3..=9] => {
                let count = usize::from(self.take(1).first().copied().unwrap_or(0) % 5);
                key.sequence(|seq| {
                    for _ in 0..count {
                        seq.part(self);
                    }
                })
            }
            [count, ..] => key.text(&String::from_utf8_lossy(self.take(usize::from(count - 10)))),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let keys = Keys::new("", [""]);
    // A key made by parts. The depth of a value is that of its type's recursion, so it is bounded here.
    let rest = RefCell::new(&data[..data.len().min(1024)]);
    let compact = key::compact(&Spelled(&rest));
    assert_eq!(keys.compact(&keys.text(&compact)), Some(compact));

    // Text from a store, and bytes from nowhere.
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(compact) = keys.compact(text)
    {
        assert_eq!(keys.text(&compact), text);
    }
    keys.text(data);
});

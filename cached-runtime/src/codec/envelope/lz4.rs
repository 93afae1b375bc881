//! LZ4 blocks, whose length is known before a byte is reserved for them.
//!
//! Called by the envelope. A block says how long its output is only by being walked through, and a sender may claim
//! any length beside it: so it is walked first, without output, and room is made for what it really holds. A block of
//! `n` bytes can hold no more than 255 times `n`.

use lz4_flex::block;

pub(super) fn compress(payload: &[u8]) -> Vec<u8> {
    block::compress(payload)
}

/// The `length` bytes that `compressed` holds; `None` if it is damaged or holds another number of bytes.
pub(super) fn decompress(compressed: &[u8], length: usize) -> Option<Vec<u8>> {
    if output_length(compressed)? != length {
        return None;
    }
    let mut out = Vec::new();
    out.try_reserve_exact(length).ok()?;
    out.resize(length, 0);
    let written = block::decompress_into(compressed, &mut out).ok()?;
    (written == length).then_some(out)
}

/// How many bytes a block decompresses to: a walk over its sequences, which are a token (two lengths of 4 bits), the
/// literals, and except in the last one an offset and a match.
fn output_length(mut block: &[u8]) -> Option<usize> {
    const SHORTEST_MATCH: usize = 4;
    let mut output = 0_usize;
    loop {
        let (token, rest) = block.split_first()?;
        block = rest;
        let literals = extended(usize::from(token >> 4), &mut block)?;
        block = block.get(literals..)?;
        output = output.checked_add(literals)?;
        if block.is_empty() {
            return Some(output);
        }
        block = block.get(2..)?;
        let repeated = extended(usize::from(token & 0x0F), &mut block)?.checked_add(SHORTEST_MATCH)?;
        output = output.checked_add(repeated)?;
    }
}

/// A length of which the token held the first 4 bits: at 15, bytes are added as long as they are 255.
fn extended(mut length: usize, block: &mut &[u8]) -> Option<usize> {
    if length < 15 {
        return Some(length);
    }
    loop {
        let (more, rest) = block.split_first()?;
        *block = rest;
        length = length.checked_add(usize::from(*more))?;
        if *more != 255 {
            return Some(length);
        }
    }
}

//! What the words in front of a brace say of the block behind it.

use super::text::is_word;
use super::{Block, Kind};

/// The block that these words open.
pub(super) fn headed(words: &str) -> Kind {
    let words = outermost(words);
    let mut head = words
        .iter()
        .skip_while(|word| matches!(word.as_str(), "#" | "[" | "unsafe" | "default" | "const"));
    if head.next().is_none_or(|word| word != "impl") {
        let is_function = words.iter().any(|word| word == "fn");
        return if is_function {
            Kind::Body
        } else {
            Kind::Braces(None)
        };
    }
    let mut head = head.take_while(|word| *word != "where").peekable();
    while let Some(word) = head.next() {
        // `for<'a>` belongs to a type.
        if word == "for" && head.peek().is_some_and(|next| *next != "<") {
            return Kind::Braces(Some(Block::ImplOfTrait));
        }
    }
    Kind::Braces(Some(Block::Impl))
}

/// The words and signs that stand in no parentheses, brackets and angle brackets; of these, the opening ones.
fn outermost(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut depth = 0_usize;
    let mut last = ' ';
    for c in text.chars() {
        if depth == 0 && is_word(c) {
            word.push(c);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        let is_arrow = c == '>' && matches!(last, '-' | '=');
        match c {
            '<' | '(' | '[' => {
                if depth == 0 {
                    words.push(c.to_string());
                }
                depth += 1;
            }
            '>' | ')' | ']' if !is_arrow => depth = depth.saturating_sub(1),
            c if depth == 0 && !is_word(c) && !c.is_whitespace() => words.push(c.to_string()),
            _ => {}
        }
        last = c;
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

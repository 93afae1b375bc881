//! Globs as Redis reads them, so that a pattern means the same in memory as in a remote tier.
//!
//! `*` is any bytes, also none and also `:`; `?` is one byte; `[a-z]` one of these bytes and `[^a-z]` one of the others
//! (`!` is not special); `\` takes the next byte as it is. As in Redis a class that is not closed reaches to the end,
//! a range may be written backwards, and whatever stands behind the `-` of a range ends it, also a `]`.
//!
//! Only a range that ends outside ASCII may differ: what Redis makes of that depends on its machine, and no value of a
//! key has such bytes.

/// A parsed pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Byte(u8),
    AnyByte,
    AnyBytes,
    OneOf(Class),
}

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy)]
struct Class([u64; 4]);

impl Glob {
    /// Parses `pattern`. Every text is a pattern.
    pub(crate) fn new(pattern: &str) -> Self {
        let mut steps = Vec::with_capacity(pattern.len());
        let mut rest = pattern.as_bytes();
        while let [first, more @ ..] = rest {
            rest = more;
            match (first, more) {
                (b'*', _) => {
                    if !matches!(steps.last(), Some(Step::AnyBytes)) {
                        steps.push(Step::AnyBytes);
                    }
                }
                (b'?', _) => steps.push(Step::AnyByte),
                (b'[', _) => {
                    let class;
                    (class, rest) = Class::parse(more);
                    steps.push(Step::OneOf(class));
                }
                (b'\\', [escaped, more @ ..]) => {
                    rest = more;
                    steps.push(Step::Byte(*escaped));
                }
                (byte, _) => steps.push(Step::Byte(*byte)),
            }
        }
        Self { steps }
    }

    /// Whether the whole of `text` matches. Takes at most the product of both lengths, however many `*` there are.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let (mut at, mut step) = (0, 0);
        // Where to go on if what follows the last `*` does not match here: only the last one can need to grow.
        let mut retry = None;
        loop {
            match (self.steps.get(step), text.get(at)) {
                (None, None) => return true,
                (Some(Step::AnyBytes), _) => {
                    step += 1;
                    retry = Some((at, step));
                }
                (Some(wanted), Some(byte)) if wanted.takes(*byte) => {
                    at += 1;
                    step += 1;
                }
                _ => match retry {
                    Some((from, behind)) if from < text.len() => {
                        retry = Some((from + 1, behind));
                        (at, step) = (from + 1, behind);
                    }
                    _ => return false,
                },
            }
        }
    }

    /// Whether some text matches both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let (mine, others) = (&self.steps, &other.steps);
        // From where in the one and in the other on a text is left that both match; the last row and column are their ends.
        let mut meet = vec![vec![false; others.len() + 1]; mine.len() + 1];
        for i in (0..=mine.len()).rev() {
            for j in (0..=others.len()).rev() {
                meet[i][j] = match (mine.get(i), others.get(j)) {
                    (None, None) => true,
                    // Any bytes are none, or one and then any again.
                    (Some(Step::AnyBytes), other) => meet[i + 1][j] || other.is_some() && meet[i][j + 1],
                    (one, Some(Step::AnyBytes)) => meet[i][j + 1] || one.is_some() && meet[i + 1][j],
                    (Some(one), Some(other)) => one.shares(other) && meet[i + 1][j + 1],
                    (None, Some(_)) | (Some(_), None) => false,
                };
            }
        }
        meet[0][0]
    }

    /// What a match is made of, in order: bytes that stand for themselves, and `None` for anything else, be that one
    /// byte or many. For searches that find more than matches, and are weeded afterwards.
    #[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
    pub(crate) fn literals(&self) -> impl Iterator<Item = Option<u8>> {
        self.steps.iter().map(|step| match step {
            Step::Byte(byte) => Some(*byte),
            Step::AnyByte | Step::AnyBytes | Step::OneOf(_) => None,
        })
    }

    /// A pattern that matches `text` alone.
    pub(crate) fn escape(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            if matches!(character, '*' | '?' | '[' | '\\') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        escaped
    }
}

impl Step {
    /// Whether one byte is taken by both.
    fn shares(&self, other: &Self) -> bool {
        (0..=u8::MAX).any(|byte| self.takes(byte) && other.takes(byte))
    }

    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => *wanted == byte,
            Self::AnyByte => true,
            Self::AnyBytes => false,
            Self::OneOf(class) => class.holds(byte),
        }
    }
}

impl Class {
    /// Parses what follows a `[`, and gives back what follows its `]`.
    fn parse(mut rest: &[u8]) -> (Self, &[u8]) {
        let mut class = Self([0; 4]);
        let negated = rest.first() == Some(&b'^');
        if negated {
            rest = &rest[1..];
        }
        loop {
            rest = match rest {
                [b'\\', escaped, more @ ..] => {
                    class.add(*escaped, *escaped);
                    more
                }
                [b']', more @ ..] => {
                    rest = more;
                    break;
                }
                [from, b'-', to, more @ ..] => {
                    class.add(*from.min(to), *from.max(to));
                    more
                }
                [byte, more @ ..] => {
                    class.add(*byte, *byte);
                    more
                }
                [] => break,
            };
        }
        if negated {
            class.0 = class.0.map(|word| !word);
        }
        (class, rest)
    }

    fn add(&mut self, from: u8, to: u8) {
        for byte in from..=to {
            self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
    }

    fn holds(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these was answered the same by a Redis server.
    #[test]
    fn odd_patterns_mean_what_they_mean_to_redis() {
        let matching = [
            ("a*", "a"),
            ("a**b", "ab"),
            ("*:*", "user:1"),
            ("a[b-d]e", "ace"),
            ("a[d-b]e", "ace"),
            ("a[^b]c", "axc"),
            ("a[!b]c", "a!c"),
            ("a[!b]c", "abc"),
            (r"a\*", "a*"),
            (r"a\", r"a\"),
            (r"[\]]", "]"),
            (r"[a\-z]", "-"),
            ("[abc", "b"),
            ("[^", "a"),
            ("[a-]", "_"),
            ("a[^]b", "axb"),
            ("??", "é"),
        ];
        let not_matching = [
            ("a*", "ba"),
            ("a?", "a"),
            ("?", ""),
            ("a[!b]c", "axc"),
            (r"a\*", "ab"),
            (r"[a\-z]", "b"),
            ("[]a", "a"),
            ("[", "["),
            ("?", "é"),
            ("*a", "ab"),
            ("", "a"),
        ];
        for (pattern, text) in matching {
            assert!(Glob::new(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in not_matching {
            assert!(!Glob::new(pattern).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_the_text_times_the_pattern() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!Glob::new(&pattern).matches(&"a".repeat(20_000)));
    }

    #[test]
    fn an_escaped_text_is_found_by_its_own_pattern() {
        assert_eq!(Glob::escape(r"a*?[b]\-^é"), r"a\*\?\[b]\\-^é");
    }

    #[test]
    fn two_patterns_meet_where_a_text_matches_both() {
        for (one, other) in [
            ("user:*", "user:*:orders"),
            ("user:*", "*"),
            ("*:orders", "user:*"),
            ("user:?", "user:[a-z]"),
            ("a*b*c", "*x*"),
            ("", "*"),
            ("user:1", "user:1"),
        ] {
            assert!(Glob::new(one).meets(&Glob::new(other)), "{one} {other}");
            assert!(Glob::new(other).meets(&Glob::new(one)), "{other} {one}");
        }
        for (one, other) in [
            ("user:*", "order:*"),
            ("user:*", "users"),
            ("user:[a-c]", "user:[d-z]"),
            ("*a", "*b"),
            ("", "?"),
            (r"user:\*", "user:1"),
        ] {
            assert!(!Glob::new(one).meets(&Glob::new(other)), "{one} {other}");
            assert!(!Glob::new(other).meets(&Glob::new(one)), "{other} {one}");
        }
    }
}

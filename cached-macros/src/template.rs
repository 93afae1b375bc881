//! Templates of keys, tags and patterns: `"user:{id}"` as pieces, with every mistake in them found.
//!
//! Called by the parsing of arguments. Knows nothing of the function: whether a placeholder names one of its arguments
//! is another rule's matter.

use std::fmt;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, Index, LitStr, Member};

/// A template as written.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug)]
pub(crate) enum Piece {
    /// Text that stands in every key, with `{{` and `}}` already single. Never empty, never beside another text.
    Text(String),
    Value(Placeholder),
}

/// What stands between `{` and `}`.
#[derive(Debug)]
pub(crate) struct Placeholder {
    /// The argument, or `self`.
    pub(crate) root: Ident,
    /// The expression: `id`, `user.id`, `self.tenant`, `pair.0`.
    pub(crate) expr: TokenStream,
    pub(crate) span: Span,
    /// Whether it is the whole argument, without a field path.
    pub(crate) whole: bool,
}

/// What the template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Text that must tell any two lists of values apart.
    Key,
    /// A glob that values are put into.
    Pattern,
}

/// Parses a literal. The error holds all mistakes of it, each with its cure.
///
/// They all point at the whole literal: places inside of one can be named on nightly compilers only, so the messages
/// quote the words they are about.
pub(crate) fn parse(lit: &LitStr, usage: Use) -> Result<Template, syn::Error> {
    let text = lit.value();
    let mut reader = Reader {
        span: lit.span(),
        pieces: Vec::new(),
        mistakes: Vec::new(),
    };
    reader.read(&text);
    match usage {
        Use::Key => reader.check_key(),
        Use::Pattern => reader.check_pattern(),
    }
    let mistakes = reader
        .mistakes
        .into_iter()
        .map(|message| syn::Error::new(lit.span(), message));
    match mistakes.reduce(|mut all, mistake| {
        all.combine(mistake);
        all
    }) {
        Some(error) => Err(error),
        None => Ok(Template {
            pieces: reader.pieces,
        }),
    }
}

struct Reader {
    span: Span,
    pieces: Vec<Piece>,
    mistakes: Vec<String>,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = &rest[first.len_utf8()..];
            match first {
                '{' | '}' if rest.starts_with(first) => {
                    self.push(first);
                    rest = &rest[1..];
                }
                '{' => rest = self.read_placeholder(rest),
                '}' => self.mistake("`}` closes nothing: write `}}` for a brace itself".to_owned()),
                _ if first.is_control() => self.mistake(format!(
                    "a key cannot hold the control character `{}`, which stores take for the end of a word: use `:` or `/`",
                    first.escape_default(),
                )),
                _ => self.push(first),
            }
        }
    }

    /// Reads what follows a `{`, and gives back what follows its `}`.
    fn read_placeholder<'t>(&mut self, text: &'t str) -> &'t str {
        match text.split_once('}') {
            Some((inside, rest)) if !inside.contains('{') => {
                match placeholder(inside, self.span) {
                    Ok(placeholder) => self.pieces.push(Piece::Value(placeholder)),
                    Err(message) => self.mistake(message),
                }
                rest
            }
            _ => {
                let (unclosed, rest) = text.split_at(text.find('{').unwrap_or(text.len()));
                self.mistake(format!(
                    "`{{{unclosed}` is never closed: write `}}` behind the argument's name, or `{{{{` for a brace itself",
                ));
                rest
            }
        }
    }

    fn push(&mut self, character: char) {
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            text.push(character);
        } else {
            self.pieces.push(Piece::Text(character.to_string()));
        }
    }

    fn mistake(&mut self, message: String) {
        self.mistakes.push(message);
        // Stands for what could not be read, so that one mistake does not look like a missing separator too.
        self.push(' ');
    }

    fn check_key(&mut self) {
        if self.pieces.is_empty() {
            self.mistakes.push("this key would be the same for every cached function: write what it is about, as in `user:{id}`".to_owned());
        }
        for trio in self.pieces.windows(3) {
            if let [Piece::Value(left), Piece::Text(between), Piece::Value(right)] = trio
                && between.chars().all(may_be_in_value)
            {
                self.mistakes.push(unseparated(left, between, right));
            }
        }
        for pair in self.pieces.windows(2) {
            if let [Piece::Value(left), Piece::Value(right)] = pair {
                self.mistakes.push(unseparated(left, "", right));
            }
        }
    }

    /// A value means itself only outside of `[...]` and not behind a `\`.
    fn check_pattern(&mut self) {
        let (mut escaped, mut in_class) = (false, false);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => {
                    for character in text.chars() {
                        match character {
                            _ if escaped => escaped = false,
                            '\\' => escaped = true,
                            '[' => in_class = true,
                            ']' => in_class = false,
                            _ => {}
                        }
                    }
                }
                Piece::Value(value) if in_class => self.mistakes.push(format!(
                    "`{value}` stands inside of `[...]`, which matches a single character: put it outside, or write \
                     `\\[` for the bracket itself",
                )),
                Piece::Value(value) if escaped => self.mistakes.push(format!(
                    "`\\` before `{value}` escapes nothing, since a value matches literally as it is: leave it out, or \
                     write `\\\\` for the backslash itself",
                )),
                Piece::Value(_) => {}
            }
        }
    }
}

/// Parses what stands between the braces. The error is a message.
fn placeholder(inside: &str, span: Span) -> Result<Placeholder, String> {
    let path = inside.trim();
    if path.is_empty() {
        return Err("`{}` names no argument: write its name, as in `{id}`".to_owned());
    }
    if let Some((path, _)) = path
        .split_once(':')
        .filter(|(_, format)| !format.starts_with(':'))
    {
        return Err(format!(
            "`{{{inside}}}` has a format, but values have one rendering, which tells any two apart: write `{{{path}}}`",
        ));
    }
    let mut names = path.split('.');
    let root = name(names.next().unwrap_or_default(), inside, span)?;
    let mut expr = root.to_token_stream();
    let mut whole = true;
    for field in names {
        whole = false;
        let member = match field.parse() {
            Ok(index) => Member::Unnamed(Index { index, span }),
            Err(_) if field == "self" => return Err(not_a_path(inside)),
            Err(_) => Member::Named(name(field, inside, span)?),
        };
        expr.extend(quote_spanned!(span=> .#member));
    }
    Ok(Placeholder {
        root,
        expr,
        span,
        whole,
    })
}

/// An identifier, raw if it is written so, or `self`.
fn name(text: &str, inside: &str, span: Span) -> Result<Ident, String> {
    let mut ident = match Ident::parse_any.parse_str(text) {
        // The tokenizer takes comments and blanks around it.
        Ok(ident) if ident == text => ident,
        _ => return Err(not_a_path(inside)),
    };
    if text != "self" && syn::parse_str::<Ident>(text).is_err() {
        return Err(match text {
            "_" | "Self" | "super" | "crate" => not_a_path(inside),
            _ => format!("`{text}` is a keyword: write `r#{text}`"),
        });
    }
    ident.set_span(span);
    Ok(ident)
}

fn not_a_path(inside: &str) -> String {
    format!(
        "`{{{inside}}}` is not an argument or a field of one, such as `{{id}}` or `{{user.id}}`: take what it computes as an \
         argument of its own",
    )
}

impl Template {
    /// Whether `*` stands in it as it would in a pattern: as a part by itself, or at the end.
    pub(crate) fn looks_like_a_pattern(&self) -> bool {
        let texts = || {
            self.pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Value(_) => "",
            })
        };
        texts().any(|text| text.split([':', '/', '|']).any(|part| part == "*"))
            || texts().next_back().is_some_and(|text| text.ends_with('*'))
    }
}

fn unseparated(left: &Placeholder, between: &str, right: &Placeholder) -> String {
    let nothing = if between.is_empty() {
        format!("nothing separates `{left}` from `{right}`")
    } else {
        format!("`{between}` does not separate `{left}` from `{right}`, since it may be in a value")
    };
    format!(
        "{nothing}, so two calls could share a key: put a character between them that no value holds, such as `:`, `/` or `|`"
    )
}

/// Whether the runtime may render a value to text with this character in it.
fn may_be_in_value(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.%(),".contains(character)
}

/// As it was written.
impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.expr.to_string().replace(' ', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, usage: Use) -> Result<Template, Vec<String>> {
        parse(&LitStr::new(text, Span::call_site()), usage)
            .map_err(|errors| errors.into_iter().map(|error| error.to_string()).collect())
    }

    /// The pieces in a row, values as `<root|expression>`, with a `!` where the value is not the whole argument.
    fn pieces(text: &str) -> String {
        let template = read(text, Use::Key).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(Placeholder {
                root, expr, whole, ..
            }) => {
                format!(
                    "<{root}|{}{}>",
                    expr.to_string().replace(' ', ""),
                    if *whole { "" } else { "!" }
                )
            }
        };
        template.pieces.iter().map(piece).collect()
    }

    /// The beginning of each mistake of a key.
    fn mistakes(text: &str) -> Vec<String> {
        read(text, Use::Key).expect_err(text)
    }

    #[test]
    fn texts_and_values_are_told_apart() {
        assert_eq!(pieces("user"), "user");
        assert_eq!(pieces("user:{id}"), "user:<id|id>");
        assert_eq!(pieces("{a}:{b}/c"), "<a|a>:<b|b>/c");
        assert_eq!(
            pieces("{user.id}:{self.tenant}:{pair.0.1}"),
            "<user|user.id!>:<self|self.tenant!>:<pair|pair.0.1!>"
        );
        assert_eq!(
            pieces("{self}:{ id }:{r#type.r#match}"),
            "<self|self>:<id|id>:<r#type|r#type.r#match!>"
        );
        assert_eq!(pieces("{{{a}}}{{}}é*"), "{<a|a>}{}é*");
    }

    #[test]
    fn neighbouring_texts_are_one() {
        let template = read("a{{b}}c", Use::Key).unwrap();
        assert!(matches!(&*template.pieces, [Piece::Text(text)] if text == "a{b}c"));
    }

    #[test]
    fn each_mistake_names_its_cure() {
        let cures = [
            (
                "{id",
                "`{id` is never closed: write `}` behind the argument's name, or `{{` for a brace itself",
            ),
            ("a}b", "`}` closes nothing: write `}}` for a brace itself"),
            ("{}", "`{}` names no argument: write its name, as in `{id}`"),
            ("{ }", "`{}` names no argument: write its name, as in `{id}`"),
            (
                "{id:?}",
                "`{id:?}` has a format, but values have one rendering, which tells any two apart: write `{id}`",
            ),
            (
                "{id:>5}",
                "`{id:>5}` has a format, but values have one rendering, which tells any two apart: write `{id}`",
            ),
            ("{type}", "`type` is a keyword: write `r#type`"),
            ("{a.type}", "`type` is a keyword: write `r#type`"),
            (
                "",
                "this key would be the same for every cached function: write what it is about, as in `user:{id}`",
            ),
        ];
        for (text, cure) in cures {
            assert_eq!(mistakes(text), [cure]);
        }
        assert!(mistakes("a\nb")[0].starts_with(r"a key cannot hold the control character `\n`"));
        for text in [
            "{id + 1}", "{f()}", "{0}", "{a.b()}", "{a::b}", "{a.}", "{.a}", "{a.self}", "{Self}", "{_}",
            "{a. b}", "{é!}", "{a.1u8}", "{a.-1}",
        ] {
            let found = mistakes(text);
            assert!(
                found.len() == 1 && found[0].contains("is not an argument or a field of one"),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn values_need_a_separator_between_them() {
        for (text, what) in [
            ("{a}{b}", "nothing separates `{a}` from `{b}`"),
            ("{a}-{b}", "`-` does not separate `{a}` from `{b}`"),
            ("{a}_x.9%(),{b}", "`_x.9%(),` does not separate `{a}` from `{b}`"),
        ] {
            let found = mistakes(text);
            assert!(
                found.len() == 1 && found[0].starts_with(what),
                "{text}: {found:?}"
            );
            assert!(read(text, Use::Pattern).is_ok());
        }
        for text in [
            "{a}:{b}",
            "{a}x:y{b}",
            "{a}é{b}",
            "{a}{{{b}",
            "{a} {b}",
            "{a}#{b}",
            "x{a}y",
        ] {
            assert!(read(text, Use::Key).is_ok(), "{text}");
        }
        assert_eq!(mistakes("{a}{b.c}{d}").len(), 2);
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        assert_eq!(mistakes("{}{a:?}\t}{b}{c}{d+1}{e").len(), 7);
    }

    #[test]
    fn a_pattern_takes_values_only_where_they_mean_themselves() {
        for text in [
            "",
            "user:*",
            "{a}{b}",
            "[a-z]{id}?",
            r"\[{id}]",
            r"\\{id}",
            "[{{]",
        ] {
            assert!(read(text, Use::Pattern).is_ok(), "{text}");
        }
        for (text, beginning) in [
            ("[{id}]", "`{id}` stands inside of `[...]`"),
            (r"a\{id}", r"`\` before `{id}` escapes nothing"),
        ] {
            let found = read(text, Use::Pattern).expect_err(text);
            assert!(
                found.len() == 1 && found[0].starts_with(beginning),
                "{text}: {found:?}"
            );
        }
    }
}

//! What stands around the function under an attribute, read from its file: the compiler hands over the function alone.
//!
//! For messages only. What is refused by what is seen here would not compile anyway, in more words and worse ones; where
//! nothing can be seen (in the tokens of another macro, in a file that is not there) those are what is left.

mod head;
mod text;

use proc_macro2::Ident;
use std::cell::RefCell;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use syn::ext::IdentExt;

/// The block around a function, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Block {
    /// `impl Type { .. }`
    Impl,
    /// `impl Trait for Type { .. }`
    ImplOfTrait,
}

/// The block around the function of this name, if it is one of these and can be seen.
pub(crate) fn around(name: &Ident) -> Option<Block> {
    let (file, at) = found(name)?;
    file.around(at)
}

/// Whether what a writer names so is seen to be a function without any attribute, of which there are no companions. `of_self`
/// says that it is one of the writer's own `impl`.
pub(crate) fn is_bare(name: &Ident, of_self: bool) -> bool {
    found(name).is_some_and(|(file, at)| file.is_bare(at, &name.unraw().to_string(), of_self))
}

/// Whether what a writer names so is seen to be nothing that is in sight there: then the names of the cached functions that are.
/// (A file that another one includes is taken for a whole one; a path, `self::f(id)`, is not looked for.)
pub(crate) fn unseen(name: &Ident) -> Option<Vec<String>> {
    let (file, at) = found(name)?;
    file.is_unseen(at, &name.unraw().to_string())
        .then(|| file.cached())
}

/// The file that a name stands in, and its place there.
fn found(name: &Ident) -> Option<(Rc<File>, usize)> {
    // Expansions are tested as plain functions too, in which `unwrap` has no span of the compiler's to give and panics.
    if !proc_macro::is_available() {
        return None;
    }
    let span = name.span().unwrap();
    let file = File::of(&span.local_file()?)?;
    let at = file.place(span.line(), span.column(), &name.to_string())?;
    Some((file, at))
}

/// The text of a file, and what is in what.
struct File {
    /// Without comments and literals.
    code: String,
    text: String,
    /// Where they begin.
    lines: Vec<usize>,
    /// In the order in which they begin.
    groups: Vec<Group>,
}

/// What stands between two delimiters.
struct Group {
    inside: Range<usize>,
    kind: Kind,
    /// The group that it is in, by its place among the groups.
    within: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Braces(Option<Block>),
    /// Of a function.
    Body,
    /// The tokens of a macro.
    Macro,
    Attribute,
    /// Parentheses and brackets.
    Other,
}

/// Attributes of the language, and those that come with what is written here.
const HARMLESS: &[&str] = &[
    "allow",
    "async_trait",
    "automatically_derived",
    "cache",
    "cfg",
    "cold",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "forbid",
    "ignore",
    "inline",
    "instrument",
    "invalidate",
    "key_part",
    "main",
    "must_use",
    "non_exhaustive",
    "path",
    "repr",
    "serde",
    "should_panic",
    "skip",
    "test",
    "track_caller",
    "update",
    "warn",
];

thread_local! {
    /// The one that was read last: a compiler goes through them one by one, and nobody writes them meanwhile.
    static LAST: RefCell<Option<(PathBuf, Rc<File>)>> = const { RefCell::new(None) };
}

impl File {
    fn of(path: &Path) -> Option<Rc<Self>> {
        // What a build script writes is included in a file that has other names in sight.
        let is_made = std::env::var_os("OUT_DIR").is_some_and(|made| path.starts_with(made));
        if is_made || path.extension().is_none_or(|extension| extension != "rs") {
            return None;
        }
        let last = LAST.with_borrow(Clone::clone);
        if let Some((_, file)) = last.filter(|(of, _)| of == path) {
            return Some(file);
        }
        let file = Rc::new(Self::new(fs::read_to_string(path).ok()?));
        LAST.set(Some((path.to_owned(), Rc::clone(&file))));
        Some(file)
    }

    fn new(text: String) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let code = text::code(&text);
        Self {
            lines: std::iter::once(0).chain(breaks).collect(),
            groups: groups(&code),
            code,
            text,
        }
    }

    /// Where this is, if it is what stands there: the file may not be what was compiled. Both are counted from one, in
    /// characters.
    fn place(&self, line: usize, column: usize, name: &str) -> Option<usize> {
        let line = *self.lines.get(line.checked_sub(1)?)?;
        let (inside, _) = self.text[line..].char_indices().nth(column.checked_sub(1)?)?;
        let at = line + inside;
        self.text[at..].starts_with(name).then_some(at)
    }

    /// What a place is in, from the inside out.
    fn outwards(&self, at: usize) -> impl Iterator<Item = &Group> {
        // The last that has begun, or else one of those around it: a look at all would be one for each function of the file.
        let begun = self.groups.partition_point(|group| group.inside.start <= at);
        let last = begun.checked_sub(1).and_then(|last| self.groups.get(last));
        let around = |group: &&Group| group.within.and_then(|within| self.groups.get(within));
        std::iter::successors(last, around).filter(move |group| group.inside.contains(&at))
    }

    fn around(&self, at: usize) -> Option<Block> {
        match self.outwards(at).next()?.kind {
            Kind::Braces(block) => block,
            _ => None,
        }
    }

    /// The braces that a place is in.
    fn braces(&self, at: usize) -> Option<&Group> {
        self.outwards(at)
            .find(|group| !matches!(group.kind, Kind::Other | Kind::Attribute))
    }

    /// Whether its companions may come from where they cannot be seen.
    fn is_hidden(&self, at: usize, name: &str) -> bool {
        self.outwards(at).next().is_none()
            || self.outwards(at).any(|group| group.kind == Kind::Macro)
            || self
                .words(name)
                .any(|at| self.outwards(at).any(|group| self.makes_items(group)))
            || self.words(&format!("{name}_entry")).next().is_some()
            || self.words(&format!("{name}_cache")).next().is_some()
    }

    /// Whether this is a macro that stands where functions do.
    fn makes_items(&self, group: &Group) -> bool {
        let mut around = self.outwards(group.inside.start.saturating_sub(1));
        group.kind == Kind::Macro && !around.any(|around| matches!(around.kind, Kind::Body | Kind::Attribute))
    }

    fn is_bare(&self, at: usize, name: &str, of_self: bool) -> bool {
        if self.is_hidden(at, name) {
            return false;
        }
        let mut functions = self
            .words(name)
            .filter_map(|at| Some((at, self.head_of_function(at)?)));
        // Of an attribute with a block in it only the end is in the head.
        let is_bare = |head: &str| !head.contains(['#', ']']);
        if of_self {
            let own = self
                .braces(at)
                .filter(|group| group.kind == Kind::Braces(Some(Block::Impl)));
            return own.is_some_and(|own| {
                let of_own = |at| self.braces(at).is_some_and(|braces| braces.inside == own.inside);
                functions.any(|(at, head)| of_own(at) && is_bare(head))
            });
        }
        let mut functions = functions.peekable();
        functions.peek().is_some() && functions.all(|(_, head)| is_bare(head)) && !self.imports_all()
    }

    /// It is nowhere but in attributes, and nothing brings names along that are not written.
    fn is_unseen(&self, at: usize, name: &str) -> bool {
        let in_attribute = |at| self.outwards(at).any(|group| group.kind == Kind::Attribute);
        let may_make_items = |group: &Group| match group.kind {
            Kind::Attribute => !self.is_harmless(group),
            _ => self.makes_items(group),
        };
        !self.is_hidden(at, name)
            && self.words(name).all(in_attribute)
            && !self.imports_all()
            && !self.groups.iter().any(may_make_items)
    }

    /// Whether an attribute is known to add no functions of names that are not written.
    fn is_harmless(&self, attribute: &Group) -> bool {
        let inside = self.code.get(attribute.inside.start + 1..attribute.inside.end);
        let path = inside.unwrap_or_default().split(['(', '=', '[', '{']).next();
        let name = path.unwrap_or_default().rsplit("::").next().unwrap_or_default();
        HARMLESS.contains(&name.trim())
    }

    /// Whether there is an import of everything.
    fn imports_all(&self) -> bool {
        let imported = |at: usize| self.code[at..].split(';').next();
        self.words("use")
            .any(|at| imported(at).is_some_and(|names| names.contains('*')))
    }

    /// The names of the functions that are cached.
    fn cached(&self) -> Vec<String> {
        let functions = self.words("fn").filter_map(|at| {
            let (keyword, name) = self.code[at..].split_at(2);
            let blanks = name.len() - name.trim_start().len();
            let head = self.head_of_function(at + keyword.len() + blanks)?;
            let name: String = name
                .trim_start()
                .chars()
                .take_while(|c| text::is_word(*c))
                .collect();
            head.contains("cache").then_some(name)
        });
        functions.collect()
    }

    /// Where a word stands.
    fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> {
        let found = self.code.match_indices(word);
        found.map(|(at, _)| at).filter(move |at| {
            let (before, after) = (&self.code[..*at], &self.code[at + word.len()..]);
            !before.ends_with(text::is_word) && !after.starts_with(text::is_word)
        })
    }

    /// What stands in front of a function's name, with its attributes.
    fn head_of_function(&self, name: usize) -> Option<&str> {
        let before = &self.code[..name];
        let head = before
            .trim_end()
            .trim_end_matches("r#")
            .trim_end()
            .strip_suffix("fn")?;
        let begun = head.rfind([';', '{', '}']).map_or(0, |at| at + 1);
        (!head.ends_with(text::is_word)).then(|| &head[begun..])
    }
}

/// What is in what. Nothing where that does not come out even.
fn groups(code: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // What is open: where the words before it begin, and its place among the groups.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut begun = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => {
                let head = &code[begun..at];
                let kind = match c {
                    _ if is_of_macro(head) => Kind::Macro,
                    '{' => head::headed(head),
                    '[' if head.trim_end().ends_with(['#', '!']) => Kind::Attribute,
                    _ => Kind::Other,
                };
                let within = open.last().map(|&(_, place)| place);
                open.push((begun, groups.len()));
                let inside = at..code.len();
                groups.push(Group { inside, kind, within });
                begun = at + 1;
            }
            '}' | ')' | ']' => {
                let Some((before, place)) = open.pop() else {
                    return Vec::new();
                };
                groups[place].inside.end = at;
                // What stands in parentheses is among the words.
                begun = if c == '}' { at + 1 } else { before };
            }
            ';' => begun = at + 1,
            _ => {}
        }
    }
    groups
}

/// `name!`, `macro_rules! name`, but not `#!`
fn is_of_macro(head: &str) -> bool {
    let head = head.trim_end();
    let unnamed = head.trim_end_matches(text::is_word).trim_end();
    let named = head.strip_suffix('!').map(str::trim_end);
    named.is_some_and(|name| name.ends_with(text::is_word)) || unnamed.ends_with("macro_rules!")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the function called `HERE`.
    fn seen(text: &str) -> Option<Block> {
        let before = text.split_once("HERE").expect("a place").0;
        let (line, column) = before
            .rsplit_once('\n')
            .map_or((1, before), |(above, line)| (above.split('\n').count() + 1, line));
        let file = File::new(text.to_owned());
        file.around(
            file.place(line, column.chars().count() + 1, "HERE")
                .expect("the place"),
        )
    }

    /// The cached functions, if the one named in the first `#[invalidate(..)]` is not seen.
    fn unseen(text: &str) -> Option<String> {
        let file = File::new(text.to_owned());
        let at = text.find("invalidate(").expect("a writer") + "invalidate(".len();
        file.is_unseen(at, "usr").then(|| file.cached().join(" "))
    }

    #[test]
    fn what_is_only_in_attributes_is_unseen() {
        let user = Some("user".to_owned());
        assert_eq!(
            unseen("#[cache] pub async fn user() {} #[invalidate(usr(id))] async fn w() {}"),
            user
        );
        assert_eq!(
            unseen(
                "#![allow(x)] #[derive(A)] #[doc = \"a\"] struct U; #[tokio::main(flavor = \"b\")] use users::{a, b}; #[cache] fn user() { f!() } #[invalidate(usr(id))] #[update(usr(id))] fn w() {}"
            ),
            user
        );
        assert_eq!(unseen("#[invalidate(usr(id))] fn w() {}"), Some(String::new()));
    }

    #[test]
    fn what_may_be_brought_along_is_not_unseen() {
        for text in [
            "use users::usr; #[invalidate(usr(id))] fn w() {}",
            "use users::*; #[invalidate(usr(id))] fn w() {}",
            "use users::{*}; #[invalidate(usr(id))] fn w() {}",
            "fn usr() {} #[invalidate(usr(id))] fn w() {}",
            "use users::usr_entry; #[invalidate(usr(id))] fn w() {}",
            "functions! {} #[invalidate(usr(id))] fn w() {}",
            "mod m { functions!(); } #[invalidate(usr(id))] fn w() {}",
            "macro_rules! w { () => { #[invalidate(usr(id))] fn w() {} } }",
            "#[invalidate(usr(id))] fn w() { usr(1).await }",
            "#[made::functions] struct User; #[invalidate(usr(id))] fn w() {}",
        ] {
            assert_eq!(unseen(text), None, "{text}");
        }
    }

    /// Whether the function named in the first `#[invalidate(..)]` is seen to be bare.
    fn bare(text: &str, of_self: bool) -> bool {
        let file = File::new(text.to_owned());
        let at = text.find("invalidate(").expect("a writer") + "invalidate(".len();
        file.is_bare(at, "user", of_self)
    }

    #[test]
    fn a_function_without_attributes_is_bare() {
        assert!(bare(
            "use a::b; async fn user() { 2 * 3; } #[invalidate(user(id))] async fn w() {}",
            false
        ));
        assert!(bare(
            "/// #[cache]\nasync fn user() {} #[invalidate(user(id))] async fn w() {}",
            false
        ));
        assert!(bare(
            "impl A { async fn user() {} #[invalidate(Self::user(id))] async fn w() {} }",
            true
        ));
        assert!(bare(
            "impl A { #[invalidate(self.user(id))] async fn w() {} pub async fn user() {} }",
            true
        ));
    }

    #[test]
    fn what_may_have_companions_is_not_bare() {
        for text in [
            "#[cache] async fn user() {} #[invalidate(user(id))] async fn w() {}",
            "#[cache(cache_if = |_| { true })] async fn user() {} #[invalidate(user(id))] async fn w() {}",
            "#[memo] pub(crate) async fn user() {} #[invalidate(user(id))] async fn w() {}",
            "#[invalidate(user(id))] async fn w() {}",
            "async fn users() {} #[invalidate(user(id))] async fn w() {}",
            "use users::*; async fn user() {} #[invalidate(user(id))] async fn w() {}",
            "use users::user_entry; async fn user() {} #[invalidate(user(id))] async fn w() {}",
            "cached!(user); mod m { async fn user() {} } #[invalidate(user(id))] async fn w() {}",
            "async fn user() {} macro_rules! w { () => { #[invalidate(user(id))] async fn w() {} } }",
            "mod a { #[cache] async fn user() {} } async fn user() {} #[invalidate(user(id))] async fn w() {}",
        ] {
            assert!(!bare(text, false), "{text}");
        }
        for text in [
            "impl A { #[cache] async fn user() {} #[invalidate(Self::user(id))] async fn w() {} }",
            "impl A { async fn user() {} } impl B { #[invalidate(Self::user(id))] async fn w() {} }",
            "impl F for A { async fn user() {} #[invalidate(Self::user(id))] async fn w() {} }",
            "async fn user() {} #[invalidate(Self::user(id))] async fn w() {}",
        ] {
            assert!(!bare(text, true), "{text}");
        }
    }

    #[test]
    fn an_impl_of_a_trait_is_told_from_another() {
        let of_trait = Some(Block::ImplOfTrait);
        assert_eq!(seen("impl Find for Users { async fn HERE"), of_trait);
        assert_eq!(seen("impl Users { async fn HERE"), Some(Block::Impl));
        assert_eq!(
            seen("unsafe impl<T: Fn(u8) -> u8> a::Find<T> for [T; 4] { fn HERE"),
            of_trait
        );
        assert_eq!(
            seen("impl<'a, T> Users<'a, T> where T: for<'b> Fn(&'b u8) { fn HERE"),
            Some(Block::Impl)
        );
        assert_eq!(
            seen("impl<F: for<'b> Fn(&'b u8)> Users<F> { fn HERE"),
            Some(Block::Impl)
        );
        assert_eq!(seen("impl Find for for<'a> fn(&'a u8) { fn HERE"), of_trait);
        assert_eq!(
            seen("#[async_trait] #[doc = \"impl\"] impl Find for Users { fn a() {} #[cache] async fn HERE"),
            of_trait
        );
        assert_eq!(
            seen("struct A; mod m { fn f() { a(); impl Find for A {\n    /// Docs {\n    pub fn HERE"),
            of_trait
        );
    }

    #[test]
    fn what_is_neither_is_none() {
        for text in [
            "async fn HERE",
            "mod users { async fn HERE",
            "trait Find { async fn HERE",
            "impl Find for Users { fn f() { async fn HERE",
            "fn f() -> impl Find { fn HERE",
            "impl Find for Users { methods! { async fn HERE",
            "impl Find for Users { method!(HERE",
            "impl Find for Users {} async fn HERE",
            "} async fn HERE",
        ] {
            assert_eq!(seen(text), None, "{text}");
        }
    }

    #[test]
    fn comments_and_literals_open_nothing() {
        let of_trait = Some(Block::ImplOfTrait);
        for between in [
            "// }",
            "/* } /* } */ } */",
            "const A: &str = \"} \\\" }\";",
            "const A: &str = r#\"} \" }\"#;",
            "const A: &[u8] = br\"} \\\";",
            "const A: char = '}';",
            "const A: char = '\\'';",
            "const A: char = '\\u{7d}';",
            "const A: &'static str = \"\";",
            "fn r#if<'a>(a: &'a str) {}",
        ] {
            let text = format!("impl /* for */ Find for Users {{\n{between}\nfn HERE");
            assert_eq!(seen(&text), of_trait, "{between}");
        }
    }

    #[test]
    fn what_is_not_where_it_is_said_to_be_is_not_seen() {
        let file = File::new("impl A for B {\n    fn\u{e4}b fn ab() {}\n}".to_owned());
        assert_eq!(
            file.place(2, 13, "ab").and_then(|at| file.around(at)),
            Some(Block::ImplOfTrait)
        );
        assert_eq!(file.place(2, 12, "ab"), None);
        assert_eq!(file.place(2, 13, "b"), None);
        assert_eq!(file.place(0, 1, ""), None);
        assert_eq!(file.place(9, 1, ""), None);
        assert_eq!(file.place(3, 9, ""), None);
    }
}

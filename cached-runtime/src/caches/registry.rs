//! Every annotated function of the program, collected at link time.

use std::any::TypeId;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::function::Function;
use crate::key::Template;
use crate::policy::Spec;

/// One annotated function. A `static` of its own in the expansion, shared by all instantiations.
pub struct Site {
    spec: &'static Spec,
    /// Its place among all sites, from one on; zero until the sites have been numbered.
    number: AtomicU32,
    path: OnceLock<Path>,
    /// Of the first instantiation called, what the process's `Caches` keeps for it: found in one step from here, where
    /// the way through the `Caches` takes five that each wait for the one before.
    installed: OnceLock<(TypeId, Arc<Function>)>,
    /// The name of the type it stands in, if that is in its path, as the compiler has it.
    own: OnceLock<&'static str>,
}

inventory::collect!(&'static Site);

/// What a function is called.
pub(super) struct Path {
    /// `shop::Users::find`
    name: String,
    /// What it stands in: `shop`, `shop::Users`, `<shop::Users as shop::Find>`, `shop::Repo<_>`.
    owner: String,
    /// The same as the compiler wrote it, which depends on where an `impl` stands.
    pub(super) written: &'static str,
}

impl Site {
    /// The site of a function.
    pub const fn new(spec: &'static Spec) -> Self {
        Self {
            spec,
            number: AtomicU32::new(0),
            path: OnceLock::new(),
            installed: OnceLock::new(),
            own: OnceLock::new(),
        }
    }

    pub(crate) fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// The place of this site in tables of [`count`] entries.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        match self.number.load(Relaxed) {
            0 => self.number_all(),
            number => number as usize - 1,
        }
    }

    #[cold]
    fn number_all(&self) -> usize {
        sites();
        (self.number.load(Relaxed) as usize).saturating_sub(1)
    }

    /// What the process's `Caches` keeps for the instantiation `wanted`, if that is known here.
    #[inline]
    pub(crate) fn installed(&self, wanted: TypeId) -> Option<&Arc<Function>> {
        match self.installed.get() {
            Some((identity, function)) if *identity == wanted => Some(function),
            _ => None,
        }
    }

    /// The same for whichever instantiation is known here.
    #[inline]
    pub(super) fn installed_any(&self) -> Option<&Arc<Function>> {
        self.installed.get().map(|(_, function)| function)
    }

    /// Whether what stands in a type of this name is called what it would be called without that: nearly always by the very
    /// text that was compared before.
    #[inline]
    pub(super) fn is_own(&self, owner: &'static str) -> bool {
        match self.own.get() {
            Some(own) => std::ptr::eq(*own, owner) || *own == owner,
            None => self.is_now_own(owner),
        }
    }

    #[cold]
    fn is_now_own(&self, owner: &'static str) -> bool {
        let is_own = self.path().owner == owner;
        if is_own {
            let _ = self.own.set(owner);
        }
        is_own
    }

    /// Remembers what the process's `Caches` keeps for an instantiation.
    #[cold]
    pub(crate) fn remember(&self, identity: TypeId, function: &Arc<Function>) {
        // Of several instantiations the first stays.
        let _ = self.installed.set((identity, Arc::clone(function)));
    }

    pub(super) fn path(&self) -> &Path {
        self.path.get_or_init(|| Path::of(self.spec))
    }

    /// The cache's name.
    pub(crate) fn name(&self) -> &str {
        self.spec.name.unwrap_or_else(|| &self.path().name)
    }

    pub(crate) fn template(&self) -> Template {
        match self.spec.template {
            Some(pieces) => Template::new(pieces),
            None => Template::for_function(&self.path().name, self.spec.values),
        }
    }

    /// Where the function stands, for reports.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.spec.file, self.spec.line)
    }
}

impl Path {
    fn of(spec: &Spec) -> Self {
        let written = owner((spec.path)());
        let owner = readable(written);
        Self {
            name: format!("{owner}::{}", spec.function),
            owner,
            written,
        }
    }
}

/// What a function stands in, from the path of something inside it: `shop::Users` of `shop::Users::find::path` and of
/// `shop::Users::find::{{closure}}::{{closure}}`.
pub(super) fn owner(path: &str) -> &str {
    let mut rest = path;
    let inside = |path: &str| path.ends_with(CLOSURE);
    if !inside(rest) {
        rest = cut_last(rest);
    }
    while inside(rest) {
        rest = rest.strip_suffix(CLOSURE).unwrap_or(rest);
    }
    cut_last(rest)
}

const CLOSURE: &str = "::{{closure}}";

/// Without what depends on where an `impl` stands or on how a function around is written: `shop::Users` for
/// `shop::api::<impl shop::Users>`, `<shop::Users as shop::Find>` for `shop::api::<impl shop::Find for shop::Users>`.
fn readable(owner: &str) -> String {
    let owner = owner.replace(CLOSURE, "");
    let Some((_, implementation)) = owner.split_once("<impl ") else {
        return owner;
    };
    let (inner, rest) = implementation.split_at(closing(implementation));
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    inner.split_once(" for ").map_or_else(
        || format!("{inner}{rest}"),
        |(of, ty)| format!("<{ty} as {of}>{rest}"),
    )
}

/// The place of the `>` that closes what is open at the start.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if text[..at].ends_with('-') => {}
            '>' if depth == 0 => return at,
            '>' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn cut_last(path: &str) -> &str {
    path.rfind("::").map_or(path, |at| &path[..at])
}

/// Every site of the program, numbered on the first call.
pub(crate) fn sites() -> &'static [&'static Site] {
    static SITES: OnceLock<Vec<&'static Site>> = OnceLock::new();
    SITES.get_or_init(|| {
        let mut sites: Vec<&'static Site> = inventory::iter::<&'static Site>.into_iter().copied().collect();
        sites.sort_by_cached_key(|site| (site.name().to_owned(), site.place()));
        for (site, number) in sites.iter().zip(1..) {
            site.number.store(number, Relaxed);
        }
        sites
    })
}

#[cfg(test)]
mod tests {
    use super::{owner, readable};

    #[test]
    fn what_a_function_stands_in_is_read_from_the_path_of_something_inside() {
        for (path, expected) in [
            ("shop::__find_cached::__path", "shop"),
            ("shop::test::{{closure}}::__find_cached::__path", "shop::test"),
            ("shop::Users::__find_cached::__path", "shop::Users"),
            ("shop::Users::find::{{closure}}::__path", "shop::Users"),
            ("shop::Users::find::{{closure}}::{{closure}}", "shop::Users"),
            ("shop::api::<impl shop::Users>::find::__path", "shop::Users"),
            (
                "shop::api::<impl shop::Users>::around::find::__path",
                "shop::Users::around",
            ),
            ("shop::api::<impl shop::Repo<_>>::find::__path", "shop::Repo<_>"),
            (
                "shop::api::<impl shop::Repo<fn() -> u8>>::find::__path",
                "shop::Repo<fn() -> u8>",
            ),
            (
                "<shop::Users as shop::Find>::find::{{closure}}::__path",
                "<shop::Users as shop::Find>",
            ),
            (
                "shop::api::<impl shop::Find<_> for shop::Users>::find::{{closure}}::__path",
                "<shop::Users as shop::Find<_>>",
            ),
        ] {
            assert_eq!(readable(owner(path)), expected, "{path}");
        }
    }
}

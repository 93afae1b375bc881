//! Every annotated function of the program, collected at link time.

use std::any::TypeId;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::Caches;
use super::function::Function;
use crate::call::output::{Output, Shape};
use crate::call::values::{Values, Ways};
use crate::entry::Content;
use crate::hooks::{Erased, Held, Hooks, See};
use crate::key::{Key, KeyBuf, Template};
use crate::policy::Spec;
use crate::tier::memory::Memory;

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
struct Path {
    /// `shop::Users::find`
    name: String,
    /// What it stands in: `shop`, `shop::Users`, `<shop::Users as shop::Find>`, `shop::Repo<_>`.
    owner: String,
    /// The same as the compiler wrote it, which depends on where an `impl` stands.
    written: &'static str,
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
    fn installed_any(&self) -> Option<&Arc<Function>> {
        self.installed.get().map(|(_, function)| function)
    }

    /// Whether what stands in a type of this name is called what it would be called without that: nearly always by the very
    /// text that was compared before.
    #[inline]
    fn is_own(&self, owner: &'static str) -> bool {
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

    fn path(&self) -> &Path {
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
fn owner(path: &str) -> &str {
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

/// Forgets the types of the hooks.
type Erase<V> = fn(Hooks<V>, See<V>) -> Erased;

/// A cached function whose values are `V`: its site and what its types add.
pub struct Definition<V> {
    site: &'static Site,
    values: Values<V>,
    hooks: Hooks<V>,
    /// Forgets their types, where there are any.
    erase: Option<Erase<V>>,
    /// Whose closures these are, where there are any: those of two instantiations may differ while their values do not.
    closures: Option<TypeId>,
}

impl<V> Clone for Definition<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Definition<V> {}

/// A definition whose type of values is forgotten: what is asked of it is compiled once.
pub(crate) trait Untyped {
    /// What is kept for it.
    fn function<'c>(&self, caches: &'c Caches) -> &'c Arc<Function>;
    fn hooks(&self) -> Erased;
}

impl<V> Untyped for Definition<V> {
    fn function<'c>(&self, caches: &'c Caches) -> &'c Arc<Function> {
        caches.function(self)
    }

    fn hooks(&self) -> Erased {
        let mut hooks = match self.erase {
            Some(erase) => erase(self.hooks, self.values.see),
            None => Erased::default(),
        };
        hooks.remote = self.values.remote;
        hooks
    }
}

impl<V> Definition<V> {
    /// Made by the expansion.
    pub const fn new(site: &'static Site, values: Values<V>) -> Self {
        Self {
            site,
            values,
            hooks: Hooks::NONE,
            erase: None,
            closures: None,
        }
    }

    /// `ttl = |value| duration`.
    #[must_use]
    pub const fn ttl(mut self, ttl: fn(&V) -> Duration) -> Self {
        self.hooks.ttl = Some(ttl);
        self
    }

    /// `expires = |value| system_time`.
    #[must_use]
    pub const fn expires(mut self, expires: fn(&V) -> SystemTime) -> Self {
        self.hooks.expires = Some(expires);
        self
    }

    /// `cache_if = |value| bool`.
    #[must_use]
    pub const fn cache_if(mut self, keep: fn(&V) -> bool) -> Self {
        self.hooks.cache_if = Some(keep);
        self
    }

    /// `weight = |key, value| bytes`.
    #[must_use]
    pub const fn weight(mut self, weight: fn(&Key, &V) -> u64) -> Self {
        self.hooks.weight = Some(weight);
        self
    }

    /// What has tiers and flights of its own: instantiations that keep values of one type by the same closures are one.
    #[inline]
    pub(crate) fn identity(&self) -> TypeId {
        self.closures.unwrap_or(self.values.identity)
    }

    /// Makes a value of what is kept.
    #[inline]
    pub(crate) fn read(&self) -> fn(Content) -> Option<V> {
        self.values.read
    }

    #[inline]
    pub(crate) fn ways(&self) -> fn() -> Ways<V> {
        self.values.ways
    }

    /// The same, if it is one of what the function returns.
    #[inline]
    pub fn of<R: Output<K, Value: Keeps<V, H>>, const K: u8, H>(
        self,
        _: Shape<R, K>,
    ) -> Definition<R::Value> {
        Keeps::definition(self)
    }

    /// Where the process's `Caches` keeps values in memory, if that is known at the site. Perhaps those of another instantiation,
    /// which are of another type, under keys that as a rule bear the names of other types: who takes a value out looks at its
    /// type in any case, and need not ask first whose it is. What closures tell apart may be of one type, and is asked for.
    #[inline]
    pub(crate) fn memory(&self) -> Option<&'static Memory> {
        let function = match self.closures {
            Some(identity) => self.site.installed(identity),
            None => self.site.installed_any(),
        };
        function?.memory.as_ref()
    }

    #[inline]
    pub(crate) fn site(&self) -> &'static Site {
        self.site
    }

    /// Tells the instantiations of a method's type apart: writes the type's name unless the function's own path has
    /// it already.
    #[inline]
    pub fn owner<S: ?Sized>(&self, key: &mut KeyBuf) {
        self.tag_owner(std::any::type_name::<S>(), key);
    }

    /// The same by the type's name; none is that of no type.
    #[inline]
    pub(crate) fn tag_owner(&self, owner: &'static str, key: &mut KeyBuf) {
        if !self.is_untagged(owner) {
            key.tag_text(owner);
        }
    }

    /// Whether the keys of the function bear no type's name where it stands in a type of this one.
    #[inline]
    pub(crate) fn is_untagged(&self, owner: &'static str) -> bool {
        owner.is_empty() || self.site.is_own(owner)
    }

    /// The same for whatever is generic around the function, be it the type or the trait of an `impl`: takes a closure
    /// inside, whose name has them all.
    #[inline]
    pub fn around<F>(&self, key: &mut KeyBuf, inside: &F) {
        let _ = inside;
        let name = std::any::type_name::<F>();
        let rest = name.strip_prefix(self.site.path().written);
        if !rest.is_some_and(|rest| rest.starts_with("::")) {
            key.tag_text(owner(name));
        }
    }
}

/// Defines a cached function whose values are named by nothing but its return type.
pub fn define<R: Output<K>, const K: u8>(
    _: Shape<R, K>,
    site: &'static Site,
    values: Values<R::Value>,
) -> Definition<R::Value> {
    Definition::new(site, values)
}

/// A definition with closures, told apart from those of other instantiations by the type of something `inside` the
/// function. Not a method, so that the expansion can say where its bound is reported.
pub fn with_closures<V: 'static, I: 'static>(definition: Definition<V>, inside: &I) -> Definition<V> {
    let _ = inside;
    Definition {
        erase: Some(Hooks::erased),
        closures: Some(TypeId::of::<I>()),
        ..definition
    }
}

/// A type whose values are what the companions of a function say they are.
#[diagnostic::on_unimplemented(
    message = "this function keeps `{Self}`, and its return type reads as if it kept `{V}`",
    label = "read as the type of the value, for the companions",
    note = "an alias hides what is kept: spell the return type out, as `Result<T, E>` or `Option<T>`",
    note = "or do without companions: `#[cache(companions = false, ..)]`"
)]
pub trait Keeps<V, H>: Sized {
    /// The same definition.
    fn definition(definition: Definition<V>) -> Definition<Self>;
}

#[diagnostic::do_not_recommend]
impl<V> Keeps<V, Held> for V {
    fn definition(definition: Definition<V>) -> Definition<V> {
        definition
    }
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

//! Every annotated function of the program, collected at link time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::call::output::{Output, Shape};
use crate::hooks::{CacheValue, Hooks};
use crate::key::{KeyBuf, Template};
use crate::policy::Spec;

/// One annotated function. A `static` of its own in the expansion, shared by all instantiations.
pub struct Site {
    spec: &'static Spec,
    /// Its place among all sites, from one on; zero until the sites have been numbered.
    number: AtomicU32,
    path: OnceLock<Path>,
}

inventory::collect!(&'static Site);

/// What a function is called.
struct Path {
    /// `shop::Users::find`
    name: String,
    /// For a method, the type of its impl as its path has it: `shop::Users`, `shop::Repo<_>`.
    owner: Option<String>,
}

impl Site {
    /// The site of a function.
    pub const fn new(spec: &'static Spec) -> Self {
        Self {
            spec,
            number: AtomicU32::new(0),
            path: OnceLock::new(),
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
        let Some(path) = spec.path else {
            return Self {
                name: format!("{}::{}", spec.module, spec.function),
                owner: None,
            };
        };
        let owner = owner(path());
        Self {
            name: format!("{owner}::{}", spec.function),
            owner: Some(owner.to_owned()),
        }
    }
}

/// The type in the path of a function inside a method: `shop::Users` of `shop::Users::find::{{closure}}::path`, and of
/// `shop::api::<impl shop::Users>::find::path`, and of `shop::api::<impl shop::Find for shop::Users>::find::path`.
fn owner(path: &str) -> &str {
    let mut rest = cut_last(path);
    while let Some(shorter) = rest.strip_suffix("::{{closure}}") {
        rest = shorter;
    }
    let rest = cut_last(rest);
    let Some(start) = rest.find("<impl ") else {
        return rest;
    };
    let inner = &rest[start + "<impl ".len()..];
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    inner
        .rfind(" for ")
        .map_or(inner, |at| &inner[at + " for ".len()..])
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

/// A cached function whose values are `V`: its site and what its types add.
pub struct Definition<V> {
    site: &'static Site,
    hooks: fn(Hooks<V>) -> Hooks<V>,
}

impl<V> Clone for Definition<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Definition<V> {}

impl<V> Definition<V> {
    /// Made by the expansion.
    pub const fn new(site: &'static Site, hooks: fn(Hooks<V>) -> Hooks<V>) -> Self {
        Self { site, hooks }
    }

    /// The same, if it is one of what the function returns.
    #[inline]
    pub fn of<R: Output<K, Value: Keeps<V>>, const K: u8>(self, _: Shape<R, K>) -> Definition<R::Value> {
        Keeps::definition(self)
    }

    #[inline]
    pub(crate) fn site(self) -> &'static Site {
        self.site
    }

    pub(crate) fn hooks(self) -> Hooks<V>
    where
        V: CacheValue,
    {
        (self.hooks)(Hooks::new())
    }

    /// Tells the instantiations of a method's type apart: writes the type's name unless the function's own path has
    /// it already.
    #[inline]
    pub fn owner<S: ?Sized>(self, key: &mut KeyBuf) {
        let name = std::any::type_name::<S>();
        if self.site.path().owner.as_deref() != Some(name) {
            key.tag_text(name);
        }
    }
}

/// Defines a cached function whose values are named by nothing but its return type.
pub fn define<R: Output<K>, const K: u8>(
    _: Shape<R, K>,
    site: &'static Site,
    hooks: fn(Hooks<R::Value>) -> Hooks<R::Value>,
) -> Definition<R::Value> {
    Definition::new(site, hooks)
}

/// A type whose values are what the companions of a function say they are.
#[diagnostic::on_unimplemented(
    message = "the companions of this function were given `{V}`, and it keeps `{Self}`",
    label = "read as the type of the value",
    note = "an alias hides what is kept: spell the return type out, as `Result<T, E>` or `Option<T>`",
    note = "or do without companions: `#[cache(companions = false, ..)]`"
)]
pub trait Keeps<V>: Sized {
    /// The same definition.
    fn definition(definition: Definition<V>) -> Definition<Self>;
}

impl<V> Keeps<V> for V {
    fn definition(definition: Definition<V>) -> Definition<V> {
        definition
    }
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn the_type_of_a_method_is_read_from_the_path_of_a_function_inside() {
        assert_eq!(owner("shop::Users::__find_cached::path"), "shop::Users");
        assert_eq!(owner("shop::Users::find::{{closure}}::path"), "shop::Users");
        assert_eq!(owner("shop::api::<impl shop::Users>::find::path"), "shop::Users");
        assert_eq!(
            owner("shop::api::<impl shop::Repo<_>>::find::path"),
            "shop::Repo<_>"
        );
        assert_eq!(
            owner("shop::api::<impl shop::Find for shop::Users>::find::{{closure}}::path"),
            "shop::Users"
        );
    }
}

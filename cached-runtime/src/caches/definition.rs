//! An annotated function with what its types add: what the expansion hands to a call.

use std::any::TypeId;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Caches;
use super::function::Function;
use super::registry::{Site, owner};
use crate::call::output::{Output, Shape};
use crate::call::values::{Values, Ways};
use crate::entry::Content;
use crate::hooks::{Erased, Held, Hooks, See};
use crate::key::{Key, KeyBuf};
use crate::tier::memory::Memory;

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

//! Caches that are made by name, for code that has no function to annotate.
//!
//! `builder` is how one is described, `settings` what was said and whether it can be, `life` the rules about how long entries
//! live, `decided` what that comes to, and here is what a `Caches` keeps of them: one for each name, until it is dropped
//! itself. What it keeps is a [`Function`] like any other, so everything below knows no difference.

mod builder;
mod decided;
mod life;
mod settings;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use self::builder::{CacheBuilder, TierBuilder};
use self::decided::Settings;
use self::settings::Said;
use super::build::Blueprint;
use super::function::Function;
use super::registry::sites;
use super::{Caches, mistakes as whole, patterns};
use crate::hooks::Erased;
use crate::key::Glob;
use crate::policy::Decided;
use crate::resilience::{OwnKeys, generations};
use crate::{Codec, Error};

/// The caches of a `Caches` that were made by name.
#[derive(Default)]
pub(super) struct Named(RwLock<HashMap<Box<str>, Made>>);

struct Made {
    function: Arc<Function>,
    settings: Settings,
}

impl Named {
    fn with<R>(&self, look: impl FnOnce(&HashMap<Box<str>, Made>) -> R) -> R {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn functions(&self) -> Vec<Arc<Function>> {
        self.with(|made| made.values().map(|made| Arc::clone(&made.function)).collect())
    }

    /// The cache of this name if there is one: an `Err` with what is wrong where it is another.
    fn find(&self, name: &str, settings: &Settings) -> Option<Result<Arc<Function>, String>> {
        self.with(|made| made.get(name).map(|made| made.same(name, settings)))
    }

    /// The names of the generations that a pattern means, of those caches that have an entry in a store without patterns;
    /// `None` if it means no cache at all.
    pub(super) fn meant_without_patterns(&self, pattern: &Glob) -> Option<Vec<String>> {
        let mut meant = self.functions();
        meant.retain(|function| function.may_have(pattern));
        if meant.is_empty() {
            return None;
        }
        meant.retain(|function| {
            let mut stores = function.upwards();
            stores.any(|store| !store.has_patterns())
        });
        let name = |function: &Arc<Function>| generations::of_cache(&function.prefix, &function.name);
        Some(meant.iter().map(name).collect())
    }
}

impl Made {
    fn same(&self, name: &str, settings: &Settings) -> Result<Arc<Function>, String> {
        let differences = self.settings.differences(settings);
        if differences.is_empty() {
            return Ok(Arc::clone(&self.function));
        }
        Err(format!(
            "the cache `{name}` is made already ({}), with another {}: make both alike, or give one of them another name",
            self.settings.place,
            differences.join(", ")
        ))
    }
}

impl Caches {
    /// The cache that was described, which keeps values `V`; made if it is not there.
    fn make<V: 'static>(
        &self,
        said: &Said,
        memory_only: bool,
        hooks: impl FnOnce() -> Erased,
    ) -> Result<Arc<Function>, Error> {
        let chain = self.chain_of_said(said, memory_only);
        let settings = Settings::new::<V>(said, &chain);
        let mut mistakes = said.mistakes();
        self.check_stores(said, &chain, memory_only, &mut mistakes);
        match self.0.named.find(&said.name, &settings) {
            Some(Ok(function)) if mistakes.is_empty() => return Ok(function),
            Some(Ok(_)) => {}
            Some(Err(mistake)) => mistakes.push(mistake),
            None => mistakes.extend(self.conflicts(&said.name, &chain)),
        }
        let refusal = |mistakes: &[String]| {
            let name = said.name.escape_debug();
            let what = format!("the cache `{name}` ({}) cannot be built", said.place);
            whole::refusal(&what, mistakes)
        };
        if !mistakes.is_empty() {
            return Err(refusal(&mistakes));
        }
        let function = self.build_from(Blueprint {
            name: &said.name,
            place: said.place.to_string(),
            template: settings::template(&said.name),
            chain,
            tiers: &said.tiers(),
            spec: Decided::Built(Box::new(said.spec())),
            hooks: hooks(),
            writers: said.writers(),
        });
        let chain = settings.chain.join(" > ");
        let registered = self.register(settings, Arc::clone(&function));
        let registered = registered.map_err(|mistake| refusal(&[mistake]))?;
        if Arc::ptr_eq(&registered, &function) {
            tracing::info!(cache = said.name, place = %said.place, chain, "a cache is made");
        }
        Ok(registered)
    }

    /// The stores of a cache, fastest first.
    fn chain_of_said<'a>(&'a self, said: &'a Said, memory_only: bool) -> Vec<&'a str> {
        match &said.backend {
            None if memory_only => vec!["local"],
            None => self.0.chain.iter().map(String::as_str).collect(),
            Some(chain) => chain.iter().map(String::as_str).collect(),
        }
    }

    /// What is wrong with a chain, in this `Caches`.
    fn check_stores(&self, said: &Said, chain: &[&str], memory_only: bool, mistakes: &mut Vec<String>) {
        if self.0.disabled || self.0.unusable.is_some() {
            // It was said why, and nothing is cached.
            return;
        }
        let stores: Vec<&str> = self.0.stores.iter().map(|store| store.name()).collect();
        let whose = if said.backend.is_some() {
            "`backend`"
        } else {
            "the default chain"
        };
        whole::check_chain(whose, chain, &stores, mistakes);
        let remote = chain.iter().find(|store| stores.contains(store));
        if let Some(store) = remote {
            if memory_only {
                mistakes.push(format!(
                    "the values of `build_in_memory` cannot leave the process, and `{store}` is elsewhere: use `build`, or \
                     leave it out of `backend`"
                ));
            } else if said.codec.or(Codec::DEFAULT).is_none() {
                mistakes.push(format!(
                    "no codec makes bytes of values for `{store}`: name one by `codec`, or enable the feature `bincode`"
                ));
            }
        }
    }

    /// Puts a cache under its name, unless another caller was faster.
    fn register(&self, settings: Settings, function: Arc<Function>) -> Result<Arc<Function>, String> {
        let mut made = self.0.named.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.get(&*function.name) {
            return made.same(&function.name, &settings);
        }
        // Before anybody can put an entry in it.
        if self.0.prefix.is_empty() {
            self.0.owned.add(OwnKeys {
                globs: vec![function.template.glob()],
                tests: vec![Arc::clone(&function.owns)],
                generations: vec![generations::of_cache("", &function.name)],
            });
        }
        self.pass_upwards(&settings.chain);
        let name = Box::from(&*function.name);
        made.insert(
            name,
            Made {
                function: Arc::clone(&function),
                settings,
            },
        );
        Ok(function)
    }

    /// What the rest of the program has against a cache of this name and chain.
    fn conflicts(&self, name: &str, chain: &[&str]) -> Vec<String> {
        let template = settings::template(name);
        let mut conflicts = Vec::new();
        for site in sites() {
            if site.name() == name {
                conflicts.push(format!(
                    "a cached function is named `{name}` ({}): give one of them another name",
                    site.place()
                ));
            }
            if site.template().shape() == template.shape() {
                conflicts.push(format!(
                    "{} has the same key template, `{}`: give it another `key`, or the cache another name",
                    whole::described(site),
                    template.text()
                ));
            }
        }
        let mut stores = self.0.stores.iter();
        if let Some(blind) = stores.find(|store| chain.contains(&store.name()) && !store.has_patterns()) {
            conflicts.extend(patterns::mistakes_of("this cache", &template, blind.name()));
        }
        conflicts
    }
}

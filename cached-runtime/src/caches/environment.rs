//! A `Caches` from environment variables.
//!
//! A further kind of store is one entry of [`KINDS`].

use super::mistakes::check_chain;
use super::{Caches, CachesBuilder};
use crate::{Error, ErrorKind};

/// The value of `CACHE_BACKEND` that turns caching off.
const NONE: &str = "none";

/// A kind of store that a variable can provide.
struct Kind {
    /// By which functions and chains ask for it.
    names: &'static [&'static str],
    /// Which of these a value of the variable stands for; `None` for one that no store can be made of.
    named: fn(value: &str) -> Option<&'static str>,
    /// Where it is.
    variable: &'static str,
    /// The chain if `CACHE_BACKEND` does not say and this is the first kind whose variable is set.
    chain: &'static [&'static str],
    /// Of the crate, any of which compiles it in.
    features: &'static str,
    /// Makes one of the variable's value; `None` where it is not compiled in. Connections are made when they are first
    /// needed, so this waits for nothing.
    add: Option<Add>,
}

type Add = fn(CachesBuilder, name: &'static str, value: &str) -> Result<CachesBuilder, Error>;

/// Those that win where several variables are set come first.
const KINDS: &[Kind] = &[
    Kind {
        names: &["redis"],
        named: |_| Some("redis"),
        variable: "REDIS_URL",
        chain: &["local", "redis"],
        features: "feature `redis`",
        #[cfg(feature = "redis")]
        add: Some(|builder, name, url| Ok(builder.store(name, crate::stores::Redis::connect_lazily(url)?))),
        #[cfg(not(feature = "redis"))]
        add: None,
    },
    Kind {
        names: &["memcached"],
        named: |_| Some("memcached"),
        variable: "MEMCACHED_ADDR",
        chain: &["memcached"],
        features: "feature `memcached`",
        #[cfg(feature = "memcached")]
        add: Some(|builder, name, servers| {
            let servers = crate::stores::Memcached::connect_lazily(servers.split(','))?;
            Ok(builder.store(name, servers))
        }),
        #[cfg(not(feature = "memcached"))]
        add: None,
    },
    Kind {
        names: &["mysql", "postgres", "sqlite"],
        named: |url| match url.split_once(':')?.0 {
            "mysql" | "mariadb" => Some("mysql"),
            "postgres" | "postgresql" => Some("postgres"),
            "sqlite" => Some("sqlite"),
            _ => None,
        },
        variable: "CACHE_SQL_URL",
        // Kept in only where it is asked for: a program may have its data there, and no wish for a cache beside them.
        chain: &["local"],
        features: "features `mysql`, `postgres` and `sqlite`",
        #[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
        add: Some(|builder, name, url| Ok(builder.store(name, crate::stores::Sql::connect_lazily(url)?))),
        #[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
        add: None,
    },
];

/// Every name that a variable can provide a store for, with its kind.
fn known() -> impl Iterator<Item = (&'static Kind, &'static str)> {
    KINDS
        .iter()
        .flat_map(|kind| kind.names.iter().map(move |name| (kind, *name)))
}

/// The same of what is compiled in.
fn compiled() -> impl Iterator<Item = (&'static Kind, &'static str)> {
    known().filter(|(_, name)| super::mistakes::is_compiled(name))
}

/// Whether a variable can provide a store of this name.
pub(super) fn knows(name: &str) -> bool {
    known().any(|(_, known)| known == name)
}

/// The variables, read once: a value that is set and not empty.
struct Variables {
    backend: Option<String>,
    namespace: Option<String>,
    /// Those that are set, of [`KINDS`].
    stores: Vec<(&'static Kind, String)>,
}

impl Variables {
    fn read() -> Result<Self, Error> {
        let backend = read("CACHE_BACKEND")?;
        let mut stores = Vec::new();
        for kind in KINDS {
            stores.extend(read(kind.variable)?.map(|value| (kind, value)));
        }
        Ok(Self {
            backend,
            namespace: read("CACHE_NAMESPACE")?,
            stores,
        })
    }

    fn provides(&self, name: &str) -> bool {
        let mut stores = self.stores.iter();
        stores.any(|(kind, value)| (kind.named)(value) == Some(name))
    }

    fn sets(&self, kind: &Kind) -> bool {
        self.stores.iter().any(|(set, _)| set.variable == kind.variable)
    }

    /// Whether caching is to be off.
    fn disables(&self) -> bool {
        self.backend.as_deref() == Some(NONE)
    }

    fn chain(&self) -> Result<Vec<String>, Error> {
        let backend = self.backend.as_ref().filter(|_| !self.disables());
        let Some(backend) = backend else {
            let default = self.stores.first().map_or(&["local"][..], |(kind, _)| kind.chain);
            return Ok(default.iter().map(|name| (*name).to_owned()).collect());
        };
        let refuse = |what: String| {
            let what = format!("CACHE_BACKEND = {backend:?}{what}");
            Err(Error::new(ErrorKind::Configuration, what))
        };
        let names: Vec<String> = backend.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return refuse(": store names separated by commas, as in `local,redis`".to_owned());
        }
        if names.iter().any(|name| name == NONE) {
            return refuse(format!(": `{NONE}` turns caching off, and stands alone"));
        }
        let is_named = |(_, name): &(&Kind, &str)| names.iter().any(|named| named == name);
        if let Some((kind, name)) = compiled().filter(is_named).find(|(_, name)| !self.provides(name)) {
            let is = if self.sets(kind) {
                format!("set to no URL of {name}")
            } else {
                "not set".to_owned()
            };
            return refuse(format!(" names {name}, and {} is {is}", kind.variable));
        }
        let mut mistakes = Vec::new();
        let chain: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut known: Vec<&str> = compiled().map(|(_, name)| name).collect();
        // Alone it is one.
        known.push(NONE);
        check_chain("the chain", &chain, &known, &mut mistakes);
        if !mistakes.is_empty() {
            return refuse(format!(": {}", mistakes.join("; ")));
        }
        Ok(names)
    }

    fn builder(&self) -> Result<CachesBuilder, Error> {
        let mut builder = Caches::builder().backend(self.chain()?);
        if self.disables() {
            builder = builder.disabled();
        }
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        for (kind, value) in &self.stores {
            let Some(add) = kind.add else {
                let what = format!(
                    "{} is set, and this program was built without the {} of cached-runtime",
                    kind.variable, kind.features
                );
                return Err(Error::new(ErrorKind::Configuration, what));
            };
            // Of a value without a name no store is made.
            let name = (kind.named)(value).unwrap_or_default();
            builder = add(builder, name, value).map_err(|error| error.about(kind.variable))?;
        }
        Ok(builder)
    }
}

fn read(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(cause) => {
            Err(Error::new(ErrorKind::Configuration, format!("{name} is not UTF-8")).with_cause(cause))
        }
    }
}

pub(super) fn from_env() -> Result<Caches, Error> {
    Variables::read()?.builder()?.build()
}

/// What a first call gets where nothing is installed. A mistake in the environment, or two functions that would answer
/// for each other, is logged once, and nothing is cached. A store that a function names and nothing provides is that
/// function's matter alone.
pub(super) fn implicit() -> Caches {
    let built = Variables::read().and_then(|variables| variables.builder()?.without_twins());
    match built {
        Ok(builder) => {
            let caches = builder.build_unchecked();
            caches.announce();
            caches
        }
        Err(error) => {
            let why = error.chain().to_string();
            tracing::error!(
                error = why,
                "nothing is cached: the caches of this program cannot be made from its environment"
            );
            Caches::builder().unusable(why).build_unchecked()
        }
    }
}

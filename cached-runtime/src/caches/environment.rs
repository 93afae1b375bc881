//! A `Caches` from environment variables.
//!
//! A further kind of store is one line in [`KINDS`].

use super::builder::check_chain;
use super::{Caches, CachesBuilder};
use crate::{Error, ErrorKind};

/// A kind of store that a variable can provide.
struct Kind {
    /// By which functions and chains ask for it.
    name: &'static str,
    /// Where it is.
    variable: &'static str,
    /// The chain if `CACHE_BACKEND` does not say and this is the first kind whose variable is set.
    chain: &'static [&'static str],
    /// Of the crate.
    feature: &'static str,
    /// Makes one of the variable's value; `None` where it is not compiled in. Connections are made when they are first
    /// needed, so this waits for nothing.
    add: Option<Add>,
}

type Add = fn(CachesBuilder, name: &'static str, value: &str) -> Result<CachesBuilder, Error>;

/// Those that win where several variables are set come first.
const KINDS: &[Kind] = &[
    Kind {
        name: "redis",
        variable: "REDIS_URL",
        chain: &["local", "redis"],
        feature: "redis",
        #[cfg(feature = "redis")]
        add: Some(|builder, name, url| Ok(builder.store(name, crate::stores::Redis::connect_lazily(url)?))),
        #[cfg(not(feature = "redis"))]
        add: None,
    },
    Kind {
        name: "memcached",
        variable: "MEMCACHED_ADDR",
        chain: &["memcached"],
        feature: "memcached",
        #[cfg(feature = "memcached")]
        add: Some(|builder, name, servers| {
            let servers = crate::stores::Memcached::connect_lazily(servers.split(','))?;
            Ok(builder.store(name, servers))
        }),
        #[cfg(not(feature = "memcached"))]
        add: None,
    },
];

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

    fn provides(&self, kind: &Kind) -> bool {
        self.stores.iter().any(|(set, _)| set.name == kind.name)
    }

    fn chain(&self) -> Result<Vec<String>, Error> {
        let Some(backend) = &self.backend else {
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
        let is_named = |kind: &&Kind| names.iter().any(|name| name == kind.name);
        if let Some(kind) = KINDS.iter().filter(is_named).find(|kind| !self.provides(kind)) {
            return refuse(format!(" names {}, and {} is not set", kind.name, kind.variable));
        }
        let mut mistakes = Vec::new();
        let chain: Vec<&str> = names.iter().map(String::as_str).collect();
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        check_chain("it", &chain, &known, &mut mistakes);
        if !mistakes.is_empty() {
            return refuse(format!(": {}", mistakes.join("; ")));
        }
        Ok(names)
    }

    fn builder(&self) -> Result<CachesBuilder, Error> {
        let mut builder = Caches::builder().backend(self.chain()?);
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        for (kind, value) in &self.stores {
            let Some(add) = kind.add else {
                let what = format!(
                    "{} is set, and this program was built without the feature `{}` of cached-runtime",
                    kind.variable, kind.feature
                );
                return Err(Error::new(ErrorKind::Configuration, what));
            };
            builder = add(builder, kind.name, value).map_err(|error| error.about(kind.variable))?;
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
    let caches = match built {
        Ok(builder) => builder.build_unchecked(),
        Err(error) => {
            tracing::error!(%error, "nothing is cached: the caches of this program cannot be made from its environment");
            Caches::builder().unusable().build_unchecked()
        }
    };
    caches.announce();
    caches
}

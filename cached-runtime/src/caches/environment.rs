//! A `Caches` from environment variables.

use super::builder::check_chain;
use super::{Caches, CachesBuilder};
use crate::{Error, ErrorKind};

/// The variables, read once: a value that is set and not empty.
struct Variables {
    backend: Option<String>,
    redis: Option<String>,
    sql: Option<String>,
    namespace: Option<String>,
}

impl Variables {
    fn read() -> Result<Self, Error> {
        let backend = read("CACHE_BACKEND")?;
        Ok(Self {
            backend,
            redis: read("REDIS_URL")?,
            sql: read("CACHE_SQL_URL")?,
            namespace: read("CACHE_NAMESPACE")?,
        })
    }

    fn chain(&self) -> Result<Vec<String>, Error> {
        let Some(backend) = &self.backend else {
            let default: &[&str] = if self.redis.is_some() {
                &["local", "redis"]
            } else {
                &["local"]
            };
            return Ok(default.iter().map(|name| (*name).to_owned()).collect());
        };
        let names: Vec<String> = backend.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            let what =
                format!("CACHE_BACKEND = {backend:?}: store names separated by commas, as in `local,redis`");
            return Err(Error::new(ErrorKind::Configuration, what));
        }
        if names.iter().any(|name| name == "redis") && self.redis.is_none() {
            let what = format!("CACHE_BACKEND = {backend:?} names redis, and REDIS_URL is not set");
            return Err(Error::new(ErrorKind::Configuration, what));
        }
        if let Some(name) = names.iter().find(|name| SQL.contains(&name.as_str()))
            && self.sql.as_deref().and_then(sql_name) != Some(name)
        {
            let what = format!(
                "CACHE_BACKEND = {backend:?} names {name}, and CACHE_SQL_URL is set to no URL of {name}"
            );
            return Err(Error::new(ErrorKind::Configuration, what));
        }
        let mut mistakes = Vec::new();
        let chain: Vec<&str> = names.iter().map(String::as_str).collect();
        check_chain(
            "it",
            &chain,
            &["redis", "mysql", "postgres", "sqlite"],
            &mut mistakes,
        );
        if !mistakes.is_empty() {
            let what = format!("CACHE_BACKEND = {backend:?}: {}", mistakes.join("; "));
            return Err(Error::new(ErrorKind::Configuration, what));
        }
        Ok(names)
    }
}

/// The names of the stores that `CACHE_SQL_URL` can provide.
const SQL: [&str; 3] = ["mysql", "postgres", "sqlite"];

/// The one that `url` provides, by its scheme.
fn sql_name(url: &str) -> Option<&'static str> {
    match url.split_once(':')?.0 {
        "mysql" | "mariadb" => Some("mysql"),
        "postgres" | "postgresql" => Some("postgres"),
        "sqlite" => Some("sqlite"),
        _ => None,
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

fn start(variables: &Variables) -> Result<CachesBuilder, Error> {
    let mut builder = Caches::builder().backend(variables.chain()?);
    if let Some(namespace) = &variables.namespace {
        builder = builder.namespace(namespace);
    }
    Ok(builder)
}

#[cfg(feature = "redis")]
fn with_redis(builder: CachesBuilder, variables: &Variables) -> Result<CachesBuilder, Error> {
    let Some(url) = &variables.redis else {
        return Ok(builder);
    };
    let redis = crate::stores::Redis::connect_lazily(url).map_err(|error| error.about("REDIS_URL"))?;
    Ok(builder.store("redis", redis))
}

#[cfg(not(feature = "redis"))]
fn with_redis(builder: CachesBuilder, variables: &Variables) -> Result<CachesBuilder, Error> {
    match &variables.redis {
        Some(_) => {
            let what =
                "REDIS_URL is set, and this program was built without the feature `redis` of cached-runtime";
            Err(Error::new(ErrorKind::Configuration, what))
        }
        None => Ok(builder),
    }
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
fn with_sql(builder: CachesBuilder, variables: &Variables) -> Result<CachesBuilder, Error> {
    let Some(url) = &variables.sql else {
        return Ok(builder);
    };
    let sql = crate::stores::Sql::connect_lazily(url).map_err(|error| error.about("CACHE_SQL_URL"))?;
    // A URL that can be used has one of these schemes.
    Ok(builder.store(sql_name(url).unwrap_or("sql"), sql))
}

#[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
fn with_sql(builder: CachesBuilder, variables: &Variables) -> Result<CachesBuilder, Error> {
    match &variables.sql {
        Some(_) => {
            let what = "CACHE_SQL_URL is set, and this program was built without the features `mysql`, `postgres` and \
                        `sqlite` of cached-runtime";
            Err(Error::new(ErrorKind::Configuration, what))
        }
        None => Ok(builder),
    }
}

/// Every store that the variables provide.
fn with_stores(builder: CachesBuilder, variables: &Variables) -> Result<CachesBuilder, Error> {
    with_sql(with_redis(builder, variables)?, variables)
}

/// Connections are made when they are first needed, so this waits for nothing.
pub(super) fn from_env() -> Result<Caches, Error> {
    let variables = Variables::read()?;
    with_stores(start(&variables)?, &variables)?.build()
}

/// What a first call gets where nothing is installed. A mistake in the environment, or two functions that would answer
/// for each other, is logged once, and nothing is cached. A store that a function names and nothing provides is that
/// function's matter alone.
pub(super) fn implicit() -> Caches {
    let built =
        Variables::read().and_then(|variables| with_stores(start(&variables)?, &variables)?.without_twins());
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

//! Where a database is: the URL, read strictly, and how it is named in messages.
//!
//! Called once per store. Knows nothing of statements; its other job is that no password gets past it into a text.

use super::dialect::Dialect;
use super::pool::{Link, Pool};
use crate::{Error, ErrorKind};

/// A database, and its name without credentials.
pub(super) struct Address {
    /// Makes connections when they are needed.
    pub(super) link: Box<dyn Link>,
    pub(super) dialect: &'static Dialect,
    /// `mysql://host:port/database`, fit for logs.
    pub(super) name: String,
}

impl Address {
    /// Reads `url`. Whatever is wrong is a [`ErrorKind::Configuration`] whose text does not repeat the URL, since what
    /// cannot be parsed cannot be stripped of its password either.
    pub(super) fn parse(url: &str, size: Option<usize>, create: bool) -> Result<Self, Error> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "mysql" | "mariadb" => mysql(url, size),
            "postgres" | "postgresql" => postgres(url, size),
            "sqlite" => sqlite(url, size, create),
            _ => Err(refuse(
                "it begins with none of `mysql://`, `postgres://` and `sqlite:`",
            )),
        }
    }
}

#[cfg(feature = "mysql")]
fn mysql(url: &str, size: Option<usize>) -> Result<Address, Error> {
    use super::mysql::{CONNECTIONS, DIALECT, FORMS, PARAMETERS, parse};
    check(url, FORMS, PARAMETERS)?;
    let (options, name, insists) = parse(url).map_err(|cause| expected(FORMS, cause))?;
    check_encryption(insists)?;
    let pool = Pool::<sqlx::MySqlConnection>::new(options, size.unwrap_or(CONNECTIONS));
    Ok(Address {
        link: Box::new(pool),
        dialect: &DIALECT,
        name,
    })
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, size: Option<usize>) -> Result<Address, Error> {
    use super::postgres::{CONNECTIONS, DIALECT, FORMS, PARAMETERS, parse};
    check(url, FORMS, PARAMETERS)?;
    let (options, name, insists) = parse(url).map_err(|cause| expected(FORMS, cause))?;
    check_encryption(insists)?;
    let pool = Pool::<sqlx::PgConnection>::new(options, size.unwrap_or(CONNECTIONS));
    Ok(Address {
        link: Box::new(pool),
        dialect: &DIALECT,
        name,
    })
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &str, size: Option<usize>, create: bool) -> Result<Address, Error> {
    use super::sqlite::{CONNECTIONS, DIALECT, FORMS, parse};
    if matches!(url, "sqlite:" | "sqlite://") || url.starts_with("sqlite:?") || url.starts_with("sqlite://?")
    {
        return Err(refuse(&format!("it names no file: expected {FORMS}")));
    }
    let (options, name, in_memory) = parse(url, create).map_err(|cause| expected(FORMS, cause))?;
    // In memory a database lives and dies with its connection.
    let size = if in_memory { 1 } else { size.unwrap_or(CONNECTIONS) };
    let pool = Pool::<sqlx::SqliteConnection>::new(options, size);
    Ok(Address {
        link: Box::new(pool),
        dialect: &DIALECT,
        name,
    })
}

#[cfg(not(feature = "mysql"))]
fn mysql(_url: &str, _size: Option<usize>) -> Result<Address, Error> {
    Err(lacks("mysql"))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_url: &str, _size: Option<usize>) -> Result<Address, Error> {
    Err(lacks("postgres"))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_url: &str, _size: Option<usize>, _create: bool) -> Result<Address, Error> {
    Err(lacks("sqlite"))
}

#[cfg(not(all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
fn lacks(feature: &str) -> Error {
    refuse(&format!("it needs the feature `{feature}` of cached-runtime"))
}

/// What the driver would pass over in silence is a mistake that shows only when it matters. And what a password makes of
/// a URL in which it is not escaped must not be told as a database, a parameter or a host.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn check(url: &str, forms: &str, known: &[&str]) -> Result<(), Error> {
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let Some((_, authority)) = place.split_once("://") else {
        return Err(refuse(&format!("there is no `://` in it: expected {forms}")));
    };
    let (host, database) = authority.split_once('/').unwrap_or((authority, ""));
    if url.contains('#') || database.contains('@') || parameters.contains('@') && !host.contains('@') {
        return Err(refuse(
            "a `/`, `?`, `#` or `@` stands where none can; in a user or a password they are %2F, %3F, %23 and %40",
        ));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split('=').next().unwrap_or_default();
        let option = known.contains(&"options") && name.starts_with("options[") && name.ends_with(']');
        if !known.contains(&name) && !option {
            return Err(refuse(&format!(
                "it does not know the parameter `{name}`: expected {forms}"
            )));
        }
    }
    Ok(())
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
fn check_encryption(insists: bool) -> Result<(), Error> {
    if insists && !cfg!(feature = "tls") {
        return Err(refuse("its encryption needs the feature `tls` of cached-runtime"));
    }
    Ok(())
}

fn expected(forms: &str, cause: sqlx::Error) -> Error {
    refuse(&format!("expected {forms}")).with_cause(cause)
}

fn refuse(why: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the SQL URL cannot be used: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let error = Address::parse(url, None, true).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        format!("{error:?} {error}")
    }

    #[cfg(all(feature = "mysql", feature = "postgres", feature = "sqlite"))]
    #[test]
    fn names_a_database_without_its_credentials() {
        let named = |url: &str| Address::parse(url, None, true).unwrap().name;
        assert_eq!(
            named("mysql://root@127.0.0.1/shop"),
            "mysql://127.0.0.1:3306/shop"
        );
        assert_eq!(named("mariadb://u:secret@[::1]:1/shop"), "mysql://[::1]:1/shop");
        assert_eq!(
            named("mysql://u:secret@localhost/shop?socket=/run/db.sock"),
            "mysql:///run/db.sock/shop"
        );
        assert_eq!(named("postgres://u:secret@db:1/shop"), "postgres://db:1/shop");
        assert_eq!(
            named("postgresql://u@db/shop?password=secret"),
            "postgres://db:5432/shop"
        );
        assert_eq!(named("sqlite:///tmp/a.db?mode=rw"), "sqlite:///tmp/a.db");
        assert_eq!(named("sqlite::memory:"), "sqlite::memory:");
    }

    #[test]
    fn refuses_what_it_cannot_use_and_tells_no_password() {
        for url in [
            "",
            "mysql",
            "redis://u:secret@host",
            "mysql://u:secret@host:99999/shop",
            "mysql://u:secret@host/shop?sslmod=required",
            "mysql://u:secret@host/shop?ssl-mode=sometimes",
            "mysql://u:a?secret@host/shop",
            "mysql://u:a#secret@host/shop",
            "mysql://u:a?b&secret@host/shop",
            "mysql://u:1/secret@host/shop",
            "mysql:u:secret@host/shop",
            "postgres:/u:secret@host/shop",
            "postgres://u:secret@host:port/shop",
            "postgres://u:secret@host/shop?ttl=1",
            "postgres://u:secret@host/shop#x",
            "postgres://u:secret%FF@host/shop",
            "sqlite:",
            "sqlite://a.db?mode=sometimes",
            "sqlite://a.db?journal=wal",
        ] {
            assert!(!refused(url).contains("secret"), "{url}: {}", refused(url));
        }
    }

    #[cfg(not(feature = "tls"))]
    #[cfg(feature = "mysql")]
    #[test]
    fn encryption_names_its_feature() {
        assert!(refused("mysql://u@host/shop?ssl-mode=REQUIRED").contains("feature `tls`"));
    }
}

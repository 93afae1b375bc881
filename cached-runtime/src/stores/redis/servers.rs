//! URLs of several servers: the nodes of a cluster, or the sentinels of a master.
//!
//! Called once per store. Reads what is theirs and leaves the rest, each server by itself, to `address`.
//!
//! There is no standard. `redis-cluster://` is spelled as in the Rust client fred; `redis-sentinel://` as in lettuce and
//! fred, with the name of the master and the database in the path and the sentinels' own credentials as parameters, as
//! the Python tools have it (redis-sentinel-url, `RedisVL`, `LangChain`). Theirs is spelled `redis+sentinel://`, which is
//! taken as well.

use redis::Client;

use super::address::{Address, Certificates, refuse};
use super::place::Place;
use super::sentinel::Sentinels;
use crate::Error;

const CLUSTER: &str =
    "redis-cluster://[user:password@]host[:port][,host[:port]...] (rediss-cluster://... with TLS)";
const SENTINEL: &str = "redis-sentinel://[user:password@]sentinel[:port][,sentinel[:port]...]/master[/db]\
                        [?sentinel_username=..&sentinel_password=..] (rediss-sentinel://... with TLS), the user and \
                        password being those of the servers";
const SENTINEL_PORT: u16 = 26379;

/// Where entries are kept.
pub(super) enum Servers {
    One {
        place: Box<Place>,
        name: String,
    },
    /// Some of the nodes of a cluster; they know the others.
    Cluster {
        seeds: Vec<Client>,
        name: String,
    },
}

impl Servers {
    /// Reads `url`, of one server or of several. No error repeats it, as with [`Address::parse`].
    pub(super) fn parse(url: &str, certificates: &Certificates) -> Result<Self, Error> {
        let Some(several) = Several::read(url) else {
            let Address { client, name } = Address::parse(url, certificates)?;
            let place = Box::new(Place::At(client));
            return Ok(Self::One { place, name });
        };
        match several.kind {
            Kind::Cluster => several.cluster(certificates),
            Kind::Sentinel => several.sentinel(certificates),
        }
    }
}

/// The parts of such a URL, as they are written.
struct Several<'a> {
    kind: Kind,
    /// How one of its servers is written: `redis` or `rediss`.
    scheme: &'static str,
    /// With its `@`.
    login: &'a str,
    hosts: &'a str,
    /// Without the `/` before it.
    path: &'a str,
    query: Option<&'a str>,
    has_fragment: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cluster,
    Sentinel,
}

impl<'a> Several<'a> {
    /// `None` for what is not the URL of several servers.
    fn read(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (one, kind) = scheme.split_once(['-', '+'])?;
        let scheme = match one.to_ascii_lowercase().as_str() {
            "redis" => "redis",
            "rediss" => "rediss",
            _ => return None,
        };
        let kind = match kind.to_ascii_lowercase().as_str() {
            "cluster" => Kind::Cluster,
            "sentinel" => Kind::Sentinel,
            _ => return None,
        };
        let (rest, fragment) = cut(rest, '#');
        let (rest, query) = cut(rest, '?');
        let (authority, path) = cut(rest, '/');
        let login_end = authority.rfind('@').map_or(0, |at| at + 1);
        let (login, hosts) = authority.split_at(login_end);
        Some(Self {
            kind,
            scheme,
            login,
            hosts,
            path: path.unwrap_or_default(),
            query,
            has_fragment: fragment.is_some(),
        })
    }

    fn refuse(&self, why: &str) -> Error {
        let form = match self.kind {
            Kind::Cluster => CLUSTER,
            Kind::Sentinel => SENTINEL,
        };
        refuse(&format!("{why}: expected {form}"))
    }

    fn cluster(&self, certificates: &Certificates) -> Result<Servers, Error> {
        self.check()?;
        if !matches!(self.path, "" | "0") {
            return Err(self.refuse("a cluster has one database, and takes no path"));
        }
        if let Some((name, _)) = self.parameters()?.first() {
            return Err(self.refuse(&format!("it does not know the parameter `{name}`")));
        }
        let seeds = self.hosts(None)?;
        let seeds: Result<Vec<_>, _> = seeds
            .iter()
            .map(|host| self.server(self.login, host, "", certificates))
            .collect();
        let name = format!("{}-cluster://{}", self.scheme, self.hosts);
        Ok(Servers::Cluster { seeds: seeds?, name })
    }

    fn sentinel(&self, certificates: &Certificates) -> Result<Servers, Error> {
        self.check()?;
        let (master, db) = cut(self.path, '/');
        let db = db.filter(|db| !db.is_empty()).unwrap_or("0");
        if master.is_empty() {
            return Err(self.refuse("the name of the master is missing"));
        }
        if !master
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            return Err(self.refuse("the name of a master is letters, digits, `-`, `_` and `.`"));
        }
        if db.parse::<u32>().is_err() {
            return Err(self.refuse("the database behind the name of the master is not a number"));
        }
        let (mut user, mut password) = (None, None);
        for (name, value) in self.parameters()? {
            match name.as_str() {
                "sentinel_username" => user = Some(value),
                "sentinel_password" => password = Some(value),
                _ => return Err(self.refuse(&format!("it does not know the parameter `{name}`"))),
            }
        }
        if user.is_some() && password.is_none() {
            return Err(self.refuse("`sentinel_username` goes with a `sentinel_password`"));
        }
        let mut sentinels = Vec::new();
        for host in self.hosts(Some(SENTINEL_PORT))? {
            let client = self.server("", &host, "", certificates)?;
            let info = client.get_connection_info();
            let mut settings = info.redis_settings().clone();
            if let Some(user) = &user {
                settings = settings.set_username(user);
            }
            if let Some(password) = &password {
                settings = settings.set_password(password);
            }
            let client = Client::open(info.clone().set_redis_settings(settings));
            sentinels
                .push(client.map_err(|cause| self.refuse("a sentinel cannot be used").with_cause(cause))?);
        }
        let server = self.server(self.login, "master.invalid", db, certificates)?;
        let name = format!("{}-sentinel://{}/{master}/{db}", self.scheme, self.hosts);
        let place = Box::new(Place::Behind(Sentinels::new(
            sentinels,
            master.to_owned(),
            server,
        )));
        Ok(Servers::One { place, name })
    }

    fn check(&self) -> Result<(), Error> {
        if self.has_fragment {
            return Err(self.refuse("a fragment (`#...`) means nothing in it"));
        }
        Ok(())
    }

    /// Each host with its port; `port` where one has none.
    fn hosts(&self, port: Option<u16>) -> Result<Vec<String>, Error> {
        let mut hosts = Vec::new();
        for host in self.hosts.split(',') {
            if host.is_empty() || host.starts_with(':') {
                return Err(self.refuse("a host is missing"));
            }
            let has_port = host.rfind(':') > host.rfind(']');
            match port {
                Some(port) if !has_port => hosts.push(format!("{host}:{port}")),
                _ => hosts.push(host.to_owned()),
            }
        }
        let mut sorted = hosts.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != hosts.len() {
            return Err(self.refuse("it names a host twice"));
        }
        Ok(hosts)
    }

    /// One of the servers, as the URL of one server would have it.
    fn server(
        &self,
        login: &str,
        host: &str,
        db: &str,
        certificates: &Certificates,
    ) -> Result<Client, Error> {
        let url = format!("{}://{login}{host}/{db}", self.scheme);
        match Address::parse(&url, certificates) {
            Ok(address) => Ok(address.client),
            // What the URL of one server would look like helps nobody here; what certificates and features say does.
            Err(error) if error.to_string().contains("expected redis://") => {
                Err(self.refuse("a host, a port or the credentials cannot be read"))
            }
            Err(error) => Err(error),
        }
    }

    /// Names and values behind the `?`, decoded.
    fn parameters(&self) -> Result<Vec<(String, String)>, Error> {
        let Some(query) = self.query else {
            return Ok(Vec::new());
        };
        let url = redis::parse_redis_url(&format!("redis://host/?{query}"))
            .ok_or_else(|| self.refuse("its parameters cannot be read"))?;
        Ok(url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect())
    }
}

/// What stands before the first `mark`, and what behind it.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark)
        .map_or((text, None), |(before, behind)| (before, Some(behind)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "rediss?[-+](cluster|sentinel)://[a-z0-9@:,/?#\\[\\]%=é-]{0,24}") {
            // Whatever comes of it.
            let _ = Servers::parse(&text, &Certificates::default());
        }
    }

    fn named(url: &str) -> String {
        match Servers::parse(url, &Certificates::default()).unwrap() {
            Servers::One { name, .. } | Servers::Cluster { name, .. } => name,
        }
    }

    fn refused(url: &str) -> String {
        let error = Servers::parse(url, &Certificates::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        format!("{error} {error:?}")
    }

    #[test]
    fn names_several_servers_without_their_credentials() {
        assert_eq!(
            named("redis-cluster://u:secret@a:7000,[::1]:7001,c"),
            "redis-cluster://a:7000,[::1]:7001,c"
        );
        assert_eq!(named("redis+cluster://a/"), "redis-cluster://a");
        assert_eq!(
            named("redis-sentinel://:p%40secret@a,b:5000/my-master/3?sentinel_password=secret"),
            "redis-sentinel://a,b:5000/my-master/3"
        );
        assert_eq!(named("REDIS+SENTINEL://a/m"), "redis-sentinel://a/m/0");
        assert_eq!(named("redis://a"), "redis://a:6379/0");
    }

    #[test]
    fn credentials_go_where_they_belong() {
        let url = "redis-cluster://u:p%40ss@a:7000,[::1]";
        let Servers::Cluster { seeds, .. } = Servers::parse(url, &Certificates::default()).unwrap() else {
            panic!("a cluster");
        };
        let addresses: Vec<_> = seeds
            .iter()
            .map(|seed| seed.get_connection_info().addr().to_string())
            .collect();
        assert_eq!(addresses[0], "a:7000");
        assert!(addresses[1].ends_with(":6379"), "{addresses:?}");
        for seed in seeds {
            let settings = seed.get_connection_info().redis_settings().clone();
            assert_eq!(
                (settings.username(), settings.password()),
                (Some("u"), Some("p@ss"))
            );
        }
    }

    #[test]
    fn refuses_what_it_cannot_use_with_the_form_and_without_a_password() {
        for (url, form, why) in [
            ("redis-cluster://", CLUSTER, "a host is missing"),
            ("redis-cluster://u:secret@", CLUSTER, "a host is missing"),
            ("redis-cluster://u:secret@a,,b", CLUSTER, "a host is missing"),
            ("redis-cluster://u:secret@a,a", CLUSTER, "twice"),
            ("redis-cluster://u:secret@a:99999", CLUSTER, "cannot be read"),
            ("redis-cluster://u:secret@a:port", CLUSTER, "cannot be read"),
            ("redis-cluster://u:secret@a/3", CLUSTER, "one database"),
            ("redis-cluster://u:secret@a?db=3", CLUSTER, "parameter `db`"),
            ("redis-cluster://u:secret@a#x", CLUSTER, "fragment"),
            ("redis-sentinel://u:secret@a", SENTINEL, "name of the master"),
            ("redis-sentinel://u:secret@a//1", SENTINEL, "name of the master"),
            ("redis-sentinel://u:secret@a/m%20", SENTINEL, "letters"),
            ("redis-sentinel://u:secret@a/m/first", SENTINEL, "not a number"),
            ("redis-sentinel://u:secret@a/m/1/2", SENTINEL, "not a number"),
            (
                "redis-sentinel://u:secret@:26379/m",
                SENTINEL,
                "a host is missing",
            ),
            (
                "redis-sentinel://u:secret@a/m?master=m",
                SENTINEL,
                "parameter `master`",
            ),
            (
                "redis-sentinel://u:secret@a/m?sentinel_username=secret",
                SENTINEL,
                "goes with",
            ),
        ] {
            let error = refused(url);
            assert!(error.contains(form), "{url}: {error}");
            assert!(error.contains(why), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
        assert!(refused("redis-ring://u:secret@a,b").contains("redis-cluster://"));
        assert!(refused("redis://u:secret@a:1,b:2").contains("redis-cluster://"));
        assert!(refused("redis://u:secret@a,b").contains("redis-cluster://"));
    }
}

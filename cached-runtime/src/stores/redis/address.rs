//! Where a Redis server is: the URL, read strictly, and how it is named in messages.
//!
//! Called once per store. Knows nothing of connections; its other job is that no password gets past it into a text.

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult};

use crate::{Error, ErrorKind};

const FORMS: &str = "redis://[user:password@]host[:port][/db], rediss://... (TLS, feature `tls`), \
                     unix:///path/redis.sock[?db=0&user=..&pass=..], or for several servers \
                     redis-cluster://host[:port],host[:port] or redis-sentinel://sentinel[:port],sentinel[:port]/master";

const SPELT: &str = "a port is a number up to 65535, and in a user name or a password `/`, `?`, `#`, `@` and `:` are written \
                     `%2F`, `%3F`, `%23`, `%40` and `%3A`";

/// A server, its credentials, and its name without them.
pub(super) struct Address {
    /// Opens connections that speak RESP3.
    pub(super) client: Client,
    /// `redis://host:port/db`, fit for logs.
    pub(super) name: String,
}

/// PEM files for a server whose certificate no public authority has signed.
#[derive(Default)]
pub(super) struct Certificates {
    pub(super) root: Option<Vec<u8>>,
    pub(super) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Address {
    /// Reads `url`. Whatever is wrong is a [`ErrorKind::Configuration`] whose text does not repeat the URL, since
    /// what cannot be parsed cannot be stripped of its password either.
    pub(super) fn parse(url: &str, certificates: &Certificates) -> Result<Self, Error> {
        let Some(parsed) = redis::parse_redis_url(url) else {
            return Err(refuse(&format!(
                "it is not a Redis URL: expected {FORMS}; {SPELT}"
            )));
        };
        let scheme = parsed.scheme().to_owned();
        let local = scheme == "unix" || scheme.ends_with("+unix");
        let encrypted = matches!(scheme.as_str(), "rediss" | "valkeys");
        if encrypted && !cfg!(feature = "tls") {
            return Err(refuse(&format!(
                "`{scheme}://` needs the feature `tls` of cached-runtime"
            )));
        }
        // What the client would pass over in silence, such as `?db=3` behind a host, is a mistake that shows only
        // when two applications share a database.
        let known: &[&str] = if local {
            &["db", "user", "pass", "protocol"]
        } else {
            &["protocol"]
        };
        if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| !known.contains(&&**name)) {
            return Err(refuse(&format!(
                "it does not know the parameter `{name}`: expected {FORMS}"
            )));
        }
        if parsed.host_str().is_some_and(|host| host.contains(',')) {
            return Err(refuse(&format!("it names several servers: expected {FORMS}")));
        }
        if parsed.fragment().is_some() {
            return Err(refuse(&format!(
                "a fragment (`#...`) means nothing in it; {SPELT}"
            )));
        }
        let info = parsed
            .into_connection_info()
            .map_err(|cause| refuse(&format!("expected {FORMS}")).with_cause(cause))?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // The client leaves Nagle's algorithm on unless told; a look-up is one small packet that somebody waits for.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        let name = name(&scheme, &info);
        Ok(Self {
            client: open(info, encrypted, certificates)?,
            name,
        })
    }
}

pub(super) fn refuse(why: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the Redis URL cannot be used: {why}"),
    )
}

/// The server at another address, reached as the one of `client` is.
pub(super) fn at(client: &Client, host: &str, port: u16) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let mut address = info.addr().clone();
    if let ConnectionAddr::Tcp(known, at)
    | ConnectionAddr::TcpTls {
        host: known,
        port: at,
        ..
    } = &mut address
    {
        host.clone_into(known);
        *at = port;
    }
    Client::open(info.set_addr(address))
}

#[cfg(feature = "tls")]
fn open(info: ConnectionInfo, encrypted: bool, certificates: &Certificates) -> Result<Client, Error> {
    if !encrypted {
        return open_plain(info, certificates);
    }
    // Where several of its back ends are compiled in and the process has chosen none, rustls panics at the first
    // connection. A choice the process has made stands.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    if certificates.root.is_none() && certificates.client.is_none() {
        return Client::open(info).map_err(|cause| refuse(&format!("expected {FORMS}")).with_cause(cause));
    }
    if let Some(root) = &certificates.root {
        // The client would take a text without any certificate for trust in nobody.
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        if CertificateDer::from_pem_slice(root).is_err() {
            let message = "the root certificates for Redis hold no certificate in PEM form";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
    }
    let client_tls = certificates.client.clone();
    let certificates = redis::TlsCertificates {
        client_tls: client_tls.map(|(client_cert, client_key)| redis::ClientTlsConfig {
            client_cert,
            client_key,
        }),
        root_cert: certificates.root.clone(),
    };
    Client::build_with_tls(info, certificates).map_err(|cause| {
        Error::new(ErrorKind::Configuration, "a certificate for Redis cannot be used").with_cause(cause)
    })
}

#[cfg(not(feature = "tls"))]
fn open(info: ConnectionInfo, _encrypted: bool, certificates: &Certificates) -> Result<Client, Error> {
    open_plain(info, certificates)
}

fn open_plain(info: ConnectionInfo, certificates: &Certificates) -> Result<Client, Error> {
    if certificates.root.is_some() || certificates.client.is_some() {
        return Err(refuse("a certificate goes with `rediss://` only"));
    }
    Client::open(info).map_err(|cause| refuse(&format!("expected {FORMS}")).with_cause(cause))
}

fn name(scheme: &str, info: &ConnectionInfo) -> String {
    let db = info.redis_settings().db();
    match info.addr() {
        ConnectionAddr::Unix(path) => format!("unix://{}?db={db}", path.display()),
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } if host.contains(':') => {
            format!("{scheme}://[{host}]:{port}/{db}")
        }
        address => format!("{scheme}://{address}/{db}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> String {
        Address::parse(url, &Certificates::default()).unwrap().name
    }

    fn refused(url: &str) -> String {
        let error = Address::parse(url, &Certificates::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        format!("{error:?} {error}")
    }

    #[test]
    fn names_a_server_without_its_credentials() {
        assert_eq!(named("redis://127.0.0.1"), "redis://127.0.0.1:6379/0");
        assert_eq!(
            named("redis://u:secret@cache.example:7000/3"),
            "redis://cache.example:7000/3"
        );
        assert_eq!(named("redis://[::1]:7000"), "redis://[::1]:7000/0");
        assert_eq!(
            named("unix:///run/redis.sock?db=2&user=u&pass=secret"),
            "unix:///run/redis.sock?db=2"
        );
        assert_eq!(
            named("redis+unix:///run/redis.sock"),
            "unix:///run/redis.sock?db=0"
        );
    }

    #[test]
    fn refuses_what_it_cannot_use_and_tells_no_password() {
        for url in [
            "",
            "redis:/",
            "redis//u:secret@host",
            "http://u:secret@host",
            "redis://u:secret@host/first",
            "redis://u:secret@host:99999",
            "redis://u:secret@host?db=3",
            "redis://u:secret@host#insecure",
            "unix://?pass=secret",
        ] {
            assert!(!refused(url).contains("secret"), "{url}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn encryption_names_its_feature() {
        assert!(refused("rediss://host").contains("feature `tls`"));
    }
}

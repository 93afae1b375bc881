//! Certificates for servers that speak TLS, made for one test.

use crate::Folder;

/// Writes `root.pem`, and `server.pem` with its `server.key` for 127.0.0.1, into `folder`; gives back the first, as PEM.
pub(crate) fn certificates(folder: &Folder) -> Vec<u8> {
    // Where several providers are compiled in, rustls must be told which.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    // Under the name of its authority OpenSSL would take it for one that has signed itself.
    server
        .distinguished_name
        .push(rcgen::DnType::CommonName, "127.0.0.1");
    let server = server.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.file("root.pem"), root.pem()).unwrap();
    std::fs::write(folder.file("server.pem"), server.pem()).unwrap();
    std::fs::write(folder.file("server.key"), key.serialize_pem()).unwrap();
    root.pem().into_bytes()
}

//! Addresses and identifiers, in the text their standards give them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::key::{KeyPart, KeyWriter, Written};

macro_rules! addresses {
    ($($address:ty),+) => {$(
        impl KeyPart for $address {
            fn write(&self, key: KeyWriter<'_>) -> Written {
                key.display(format_args!("{self}"))
            }
        }
    )+};
}

addresses!(IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4);

impl KeyPart for SocketAddrV6 {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        // The flow label tells addresses apart, and is not in their text.
        match self.flowinfo() {
            0 => key.display(format_args!("{self}")),
            flow => key.display(format_args!("{self}/{flow}")),
        }
    }
}

impl KeyPart for SocketAddr {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        match self {
            Self::V4(address) => key.part(address),
            Self::V6(address) => key.part(address),
        }
    }
}

#[cfg(feature = "uuid")]
impl KeyPart for uuid::Uuid {
    /// Hyphenated, in lower case.
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()))
    }
}

//! Addresses and identifiers, in the text their standards give them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::key::{KeyPart, KeyWriter, Written};

macro_rules! addresses {
    ($($address:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart for $address {
            fn write(&self, key: KeyWriter<'_>) -> Written {
                key.display(format_args!("{self}"))
            }
        }
    )+};
}

addresses!(IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4);

#[diagnostic::do_not_recommend]
impl KeyPart for SocketAddrV6 {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        // The flow label tells addresses apart, and is not in their text.
        match self.flowinfo() {
            0 => key.display(format_args!("{self}")),
            flow => key.display(format_args!("{self}/{flow}")),
        }
    }
}

#[diagnostic::do_not_recommend]
impl KeyPart for SocketAddr {
    fn write(&self, key: KeyWriter<'_>) -> Written {
        match self {
            Self::V4(address) => key.part(address),
            Self::V6(address) => key.part(address),
        }
    }
}

#[cfg(feature = "uuid")]
#[diagnostic::do_not_recommend]
impl KeyPart for uuid::Uuid {
    /// Hyphenated, in lower case.
    fn write(&self, key: KeyWriter<'_>) -> Written {
        key.text(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::fuzzing::text;

    #[test]
    fn addresses_have_the_text_of_their_standards() {
        assert_eq!(text(&Ipv4Addr::LOCALHOST), "127.0.0.1");
        assert_eq!(text(&IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])), "%3A%3A1");
        assert_eq!(text(&SocketAddr::from(([10, 0, 0, 1], 80))), "10.0.0.1%3A80");
    }

    #[test]
    fn an_address_holds_all_that_tells_it_apart() {
        let of = |flow, scope| text(&SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, flow, scope));
        assert_eq!(of(0, 0), "%5B%3A%3A1%5D%3A80");
        assert_eq!(of(7, 9), "%5B%3A%3A1%259%5D%3A80%2F7");
        let longest = SocketAddrV6::new(Ipv6Addr::from([0xFFFF; 8]), u16::MAX, u32::MAX, u32::MAX);
        assert_eq!(
            text(&longest),
            crate::key::escape_value(&format!("{longest}/{}", u32::MAX))
        );
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn a_uuid_is_hyphenated_and_lower_case() {
        let id = "550E8400-E29B-41D4-A716-446655440000";
        assert_eq!(text(&uuid::Uuid::parse_str(id).unwrap()), id.to_lowercase());
    }
}

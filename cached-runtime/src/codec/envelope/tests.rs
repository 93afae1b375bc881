use proptest::prelude::*;

use super::*;
use crate::codec::fuzzing::forge_checksum;

const CODEC: Codec = Codec::Bincode;

fn header(tags: &[(&str, u64)]) -> Header {
    Header {
        codec: CODEC,
        none: false,
        fingerprint: 0x0123_4567_89AB_CDEF,
        key_check: key_check("shop:user:42"),
        birth_ms: 1_700_000_000_000,
        ttl_ms: Some(60_000),
        stale_ms: None,
        fallback_ms: Some(u64::MAX),
        tags: tags
            .iter()
            .map(|(tag, generation)| ((*tag).to_owned(), *generation))
            .collect(),
    }
}

fn open_own<'a>(bytes: &'a [u8], header: &Header) -> Result<Opened<'a>, Rejected> {
    open(bytes, header.fingerprint, header.key_check)
}

fn samples() -> Vec<(Header, Vec<u8>)> {
    let plain = header(&[]);
    let tagged = header(&[("org:7", 1), ("", u64::MAX), ("team:ü", 0)]);
    let none = Header {
        none: true,
        ttl_ms: None,
        fallback_ms: None,
        ..header(&[("org:7", 9)])
    };
    vec![
        (plain.clone(), seal(&plain, b"", None)),
        (plain.clone(), seal(&plain, b"a value", Some(1024))),
        (tagged.clone(), seal(&tagged, &[7; 300], Some(16))),
        (none.clone(), seal(&none, b"", Some(0))),
    ]
}

#[test]
fn what_is_sealed_is_opened() {
    for (header, bytes) in samples() {
        assert_eq!(open_own(&bytes, &header).unwrap().header, header);
    }
    let header = header(&[]);
    let bytes = seal(&header, b"a value", None);
    let opened = open_own(&bytes, &header).unwrap();
    assert!(matches!(opened.payload, Cow::Borrowed(b"a value")));
}

#[test]
fn compression_is_used_where_it_helps() {
    let header = header(&[]);
    let long = vec![b'x'; 4096];
    let compressed = seal(&header, &long, Some(4096));
    assert!(compressed.len() < 200);
    assert_eq!(open_own(&compressed, &header).unwrap().payload, long);
    assert!(seal(&header, &long, Some(4097)).len() > 4096);
    let random: Vec<u8> = (0..4096).map(|_| fastrand::u8(..)).collect();
    let kept = seal(&header, &random, Some(1));
    assert!(matches!(open_own(&kept, &header).unwrap().payload, Cow::Borrowed(payload) if payload == random));
}

#[test]
fn a_cached_none_has_no_payload() {
    let header = Header {
        none: true,
        ..header(&[])
    };
    let bytes = seal(&header, b"ignored", None);
    assert_eq!(open_own(&bytes, &header).unwrap().payload, b"".as_slice());
}

#[test]
fn other_caches_keys_codecs_and_formats_are_told_apart() {
    let header = header(&[]);
    let bytes = seal(&header, b"a value", None);
    assert_eq!(open(&bytes, 1, header.key_check), Err(Rejected::Fingerprint));
    assert_eq!(
        open(&bytes, header.fingerprint, key_check("shop:user:43")),
        Err(Rejected::Key)
    );
    for codec in (0..=u8::MAX).filter(|id| Codec::from_id(*id).is_none()) {
        let mut other = bytes.clone();
        other[4] = codec;
        forge_checksum(&mut other);
        assert_eq!(open_own(&other, &header), Err(Rejected::Codec));
    }
    let mut newer = bytes.clone();
    newer[3] = 2;
    assert_eq!(open_own(&newer, &header), Err(Rejected::Version));
    let mut flagged = bytes.clone();
    flagged[5] |= 0x80;
    forge_checksum(&mut flagged);
    assert_eq!(open_own(&flagged, &header), Err(Rejected::Malformed));
    assert_eq!(open_own(b"", &header), Err(Rejected::Malformed));
    assert_eq!(
        open_own(b"a value of somebody else's making", &header),
        Err(Rejected::Malformed)
    );
}

#[test]
fn every_truncation_is_rejected() {
    for (header, bytes) in samples() {
        for length in 0..bytes.len() {
            assert!(
                open_own(&bytes[..length], &header).is_err(),
                "{length} of {}",
                bytes.len()
            );
            let mut forged = bytes[..length].to_vec();
            forge_checksum(&mut forged);
            assert!(
                open_own(&forged, &header).is_err(),
                "{length} of {} with a checksum",
                bytes.len()
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(open_own(&longer, &header).is_err());
        forge_checksum(&mut longer);
        assert!(open_own(&longer, &header).is_err());
    }
}

#[test]
fn every_flipped_bit_is_rejected() {
    for (header, bytes) in samples() {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open_own(&flipped, &header).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_forged_length_is_rejected() {
    let header = Header {
        ttl_ms: None,
        fallback_ms: None,
        ..header(&[])
    };
    let at = 6 + 3 * 8 + 4;
    for (payload, rejection) in [
        (vec![7; 3000], Rejected::Compression),
        (vec![7; 10], Rejected::Malformed),
    ] {
        let bytes = seal(&header, &payload, Some(1000));
        for length in [
            0,
            1,
            payload.len() as u64 - 1,
            payload.len() as u64 + 1,
            1 << 40,
            u64::MAX,
        ] {
            let mut forged = bytes.clone();
            forged[at..at + 8].copy_from_slice(&length.to_le_bytes());
            forge_checksum(&mut forged);
            assert_eq!(open_own(&forged, &header), Err(rejection), "{length}");
        }
    }
}

#[test]
fn a_forged_number_of_tags_is_rejected() {
    let header = header(&[("org:7", 1)]);
    let at = 6 + 5 * 8;
    for number in [0, 2, u32::MAX] {
        let mut forged = seal(&header, b"a value", None);
        forged[at..at + 4].copy_from_slice(&number.to_le_bytes());
        forge_checksum(&mut forged);
        assert_eq!(open_own(&forged, &header), Err(Rejected::Malformed), "{number}");
    }
}

#[test]
fn fixed_bytes_stay_what_they_were() {
    let header = Header {
        tags: vec![("t".to_owned(), 2)],
        fallback_ms: None,
        fingerprint: 1,
        key_check: 2,
        birth_ms: 3,
        ttl_ms: Some(4),
        ..header(&[])
    };
    let mut expected = vec![0xCA, 0xC4, 0xED, 1, 1, 4];
    for number in [1_u64, 2, 3, 4] {
        expected.extend_from_slice(&number.to_le_bytes());
    }
    expected.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, b't', 2, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0, b'h', b'i']);
    let bytes = seal(&header, b"hi", None);
    assert_eq!(bytes[..bytes.len() - 8], expected);
    assert_eq!(key_check("shop:user:42"), 13_060_911_190_780_265_727);
}

proptest! {
    #[test]
    fn any_header_and_payload_come_back(
        numbers in any::<[u64; 3]>(),
        limits in any::<[Option<u64>; 3]>(),
        none: bool,
        tags in prop::collection::vec((".{0,20}", any::<u64>()), 0..5),
        payload in prop::collection::vec(0_u8..4, 0..600),
        compress_from in prop::option::of(0_usize..600),
    ) {
        let header = Header {
            codec: CODEC, none, fingerprint: numbers[0], key_check: numbers[1], birth_ms: numbers[2],
            ttl_ms: limits[0], stale_ms: limits[1], fallback_ms: limits[2], tags,
        };
        let bytes = seal(&header, &payload, compress_from);
        let opened = open_own(&bytes, &header).unwrap();
        prop_assert_eq!(opened.header, header);
        prop_assert_eq!(opened.payload.into_owned(), if none { vec![] } else { payload });
    }

    #[test]
    fn random_bytes_are_no_entry(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes, 0, 0).is_err());
    }

    #[test]
    fn changes_under_a_forged_checksum_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        sample in any::<prop::sample::Index>(),
    ) {
        let samples = samples();
        let (header, mut bytes) = samples[sample.index(samples.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        forge_checksum(&mut bytes);
        if let Ok(opened) = open_own(&bytes, &header) {
            prop_assert!(opened.payload.len() <= 255 * bytes.len());
        }
    }

    #[test]
    fn lz4_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0_usize..2000) {
        if let Some(out) = lz4::decompress(&bytes, length) {
            prop_assert_eq!(out.len(), length);
        }
    }

    #[test]
    fn lz4_gives_back_what_it_took(bytes in prop::collection::vec(0_u8..3, 0..5000)) {
        let compressed = lz4::compress(&bytes);
        prop_assert_eq!(lz4::decompress(&compressed, bytes.len()), Some(bytes.clone()));
        prop_assert_eq!(lz4::decompress(&compressed, bytes.len() + 1), None);
    }
}

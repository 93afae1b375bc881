//! Which of several servers keeps a key: consistent hashing as ketama does it.
//!
//! The algorithm is Richard Jones' (last.fm, 2007), with the points as libmemcached places them under
//! `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`, so that clients in other languages find the same key in the same place: each
//! server has 40 MD5 digests of `name-index`, each worth four points of 32 bits on a ring, more or fewer of them by its
//! weight; a key belongs to the first point at or past its own MD5. A server that comes or goes moves the keys of its
//! own share and no others.
//!
//! A server that is down keeps its keys: were they served elsewhere meanwhile, an invalidation would have to find them
//! in two places, and the old one would come back with the server.

use md5::{Digest as _, Md5};

/// Digests for each server of average weight.
const DIGESTS: f32 = 40.0;
const POINTS_IN_DIGEST: usize = 4;

/// Servers by their place in the list that the ring was made of.
pub(super) struct Ring {
    servers: usize,
    points: Vec<(u32, usize)>,
}

impl Ring {
    /// Of names and weights.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number of points is rounded as libmemcached rounds it, in 32 bits"
    )]
    pub(super) fn new(servers: &[(String, u32)]) -> Self {
        let total: u64 = servers.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut points = Vec::new();
        for (place, (name, weight)) in servers.iter().enumerate() {
            let share = *weight as f32 / total as f32;
            let digests = (share * DIGESTS * servers.len() as f32 + 1e-10).floor() as u32;
            for index in 0..digests {
                let digest = Md5::digest(format!("{name}-{index}"));
                points.extend((0..POINTS_IN_DIGEST).map(|point| (word(&digest, point), place)));
            }
        }
        points.sort_unstable();
        Self {
            servers: servers.len(),
            points,
        }
    }

    /// Whether the server at this place keeps any key.
    pub(super) fn has(&self, place: usize) -> bool {
        self.points.iter().any(|(_, other)| *other == place)
    }

    /// The place of the server that keeps `key`.
    pub(super) fn server_of(&self, key: &str) -> usize {
        if self.servers == 1 {
            return 0;
        }
        let hash = word(&Md5::digest(key), 0);
        let at = self.points.partition_point(|(point, _)| *point < hash);
        self.points
            .get(at)
            .or(self.points.first())
            .map_or(0, |(_, place)| *place)
    }
}

fn word(digest: &[u8], at: usize) -> u32 {
    digest[at * 4..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(weights: &[u32]) -> Ring {
        let named = |(number, weight): (usize, &u32)| (format!("127.0.0.1:{}", 31201 + number), *weight);
        Ring::new(&weights.iter().enumerate().map(named).collect::<Vec<_>>())
    }

    /// What libmemcached 1.0.16 (by pylibmc 1.6.3, `ketama_weighted`, `hash=md5`) has put where, and uhashring 2.5
    /// (`hash_fn="ketama"`) says the same.
    fn agrees(ring: &Ring, placement: &str) {
        let mut keys = 0;
        for line in placement.lines() {
            let (key, place) = line.split_once('\t').unwrap();
            assert_eq!(ring.server_of(key), place.parse::<usize>().unwrap(), "{key}");
            keys += 1;
        }
        assert_eq!(keys, 200);
    }

    #[test]
    fn keys_are_where_another_client_puts_them() {
        agrees(&ring(&[1, 1, 1]), include_str!("placement/even.tsv"));
        agrees(&ring(&[1, 2, 4]), include_str!("placement/weighted.tsv"));
    }

    #[test]
    fn a_server_that_comes_or_goes_moves_its_own_share_only() {
        let (four, five) = (ring(&[1; 4]), ring(&[1; 5]));
        let mut moved = 0;
        for number in 0..10_000 {
            let key = format!("shop:user:{number}");
            let (before, after) = (four.server_of(&key), five.server_of(&key));
            if before != after {
                assert_eq!(
                    after, 4,
                    "{key} moved between two servers that were there all the time"
                );
                moved += 1;
            }
        }
        assert!((1_400..2_600).contains(&moved), "{moved} of 10,000 keys moved");
    }

    #[test]
    fn one_server_has_every_key() {
        assert_eq!(ring(&[7]).server_of("a"), 0);
    }
}

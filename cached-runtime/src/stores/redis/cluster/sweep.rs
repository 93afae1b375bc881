//! Removing by pattern from every server of a cluster.
//!
//! Called by the store. What it finds it removes by the slot of each key, so that a key which has moved meanwhile is
//! removed where it is.

use std::sync::Arc;

use redis::{RedisResult, cmd};

use super::map::Address;
use super::verbs::unlink_each;
use super::{Cluster, Node, slots};
use crate::BoxFuture;
use crate::key::Glob;
use crate::stores::redis::leases::leases_matching;
use crate::stores::redis::link::Link;
use crate::stores::redis::sweep::{Wanted, scan};
use crate::stores::together::all;

/// Removes the values whose keys match, after revoking the leases of all keys that match, as on one server.
pub(in super::super) async fn remove_matching(
    cluster: &Arc<Cluster>,
    pattern: &str,
    wanted: Wanted<'_>,
) -> RedisResult<u64> {
    let leases = slots::leases_matching(&leases_matching(pattern));
    // Which finds more than it should.
    let exact = Glob::new(pattern);
    let is_meant = |key: &str| exact.matches(key) && wanted(key);
    sweep(cluster, &leases, &|lease| {
        slots::key_of(lease).is_some_and(is_meant)
    })
    .await?;
    sweep(cluster, pattern, wanted).await
}

/// One pass over all servers; two if slots were moving. A pass misses only what moves during it, from a server on which it
/// has not come so far to one that it is through with, and the next pass finds that there.
async fn sweep(cluster: &Arc<Cluster>, pattern: &str, wanted: Wanted<'_>) -> RedisResult<u64> {
    let before = Order::of(cluster).await?;
    let removed = sweep_servers(cluster, &before, pattern, wanted).await?;
    let after = Order::of(cluster).await?;
    if after.is_quiet() && after.kept == before.kept {
        return Ok(removed);
    }
    Ok(removed + sweep_servers(cluster, &after, pattern, wanted).await?)
}

async fn sweep_servers(
    cluster: &Arc<Cluster>,
    order: &Order,
    pattern: &str,
    wanted: Wanted<'_>,
) -> RedisResult<u64> {
    let mut removed = 0;
    let servers = order
        .servers
        .iter()
        .map(|node| -> BoxFuture<'_, RedisResult<u64>> {
            Box::pin(async move {
                match node.link() {
                    Some(link) => sweep_server(cluster, link, pattern, wanted).await,
                    None => Ok(0),
                }
            })
        });
    for swept in all(servers.collect()).await {
        removed += swept?;
    }
    Ok(removed)
}

async fn sweep_server(
    cluster: &Arc<Cluster>,
    link: &Link,
    pattern: &str,
    wanted: Wanted<'_>,
) -> RedisResult<u64> {
    let (mut removed, mut cursor) = (0, "0".to_owned());
    loop {
        let (next, keys) = scan(link, &cursor, pattern).await?;
        // What is not UTF-8 is somebody else's.
        let doomed: Vec<&str> = keys
            .iter()
            .filter_map(|key| str::from_utf8(key).ok())
            .filter(|key| wanted(key))
            .collect();
        cluster.note(doomed.iter().map(|key| slots::key_of(key).unwrap_or(key)));
        removed += unlink_each(cluster, &doomed).await?;
        if next == "0" {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// The servers, and what each of them says of the slots that it keeps, hands over or takes.
struct Order {
    servers: Vec<Arc<Node>>,
    kept: Vec<String>,
}

impl Order {
    async fn of(cluster: &Arc<Cluster>) -> RedisResult<Self> {
        let map = cluster.newest_map().await?;
        let asked = map
            .primaries
            .iter()
            .map(|node| -> BoxFuture<'_, RedisResult<String>> {
                Box::pin(async move {
                    let Some(link) = node.link() else {
                        return Ok(String::new());
                    };
                    let nodes = cmd("CLUSTER").arg("NODES").take();
                    Ok(redis::from_redis_value(link.run(&nodes).await?)?)
                })
            });
        let told: Vec<String> = all(asked.collect())
            .await
            .into_iter()
            .collect::<RedisResult<_>>()?;
        let mut kept: Vec<_> = told.iter().map(|nodes| slots_of_itself(nodes)).collect();
        kept.sort();
        let mut servers = map.primaries.clone();
        for (nodes, node) in told.iter().zip(&map.primaries) {
            for newcomer in newcomers(nodes, &node.address) {
                let newcomer = cluster.stranger(&newcomer);
                let newcomer =
                    newcomer.filter(|newcomer| servers.iter().all(|known| !Arc::ptr_eq(known, newcomer)));
                servers.extend(newcomer);
            }
        }
        Ok(Self { servers, kept })
    }

    fn is_quiet(&self) -> bool {
        !self.kept.iter().any(|slots| slots.contains('['))
    }
}

/// Fields of a line of the list of servers, before its slots.
const FIELDS: usize = 8;

/// In the list of servers, the name of the one that tells it, and its slots.
fn slots_of_itself(nodes: &str) -> String {
    let own = nodes
        .lines()
        .find(|line| flags(line).any(|flag| flag == "myself"));
    let fields = own.into_iter().flat_map(|line| line.split(' '));
    let fields = fields
        .enumerate()
        .filter(|(place, _)| *place == 0 || *place >= FIELDS);
    fields.map(|(_, field)| field).collect::<Vec<_>>().join(" ")
}

/// Primaries that keep no slot yet: what keeps none is in no map, and may be taking the keys of its first.
fn newcomers(nodes: &str, asked: &Address) -> Vec<Address> {
    let is_one = |line: &&str| {
        let absent = ["fail", "fail?", "handshake", "noaddr"];
        line.split(' ').count() <= FIELDS
            && flags(line).any(|flag| flag == "master")
            && !flags(line).any(|flag| absent.contains(&flag))
    };
    let address = |line: &str| {
        let address = line.split(' ').nth(1)?;
        Address::read(
            address.split_once('@').map_or(address, |(address, _)| address),
            asked,
        )
    };
    nodes.lines().filter(is_one).filter_map(address).collect()
}

fn flags(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').nth(2).unwrap_or_default().split(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_what_it_keeps_and_moves() {
        let nodes = "a 127.0.0.1:1@2 master - 0 0 2 connected 0-99\n\
                     b 127.0.0.1:3@4 myself,master - 0 0 1 connected 100-199 201 [150->-a]\n";
        assert_eq!(slots_of_itself(nodes), "b 100-199 201 [150->-a]");
        assert_eq!(slots_of_itself(""), "");
    }

    #[test]
    fn a_primary_without_slots_is_a_newcomer() {
        let nodes = "a 127.0.0.1:1@2 master - 0 0 2 connected 0-99\n\
                     b 127.0.0.1:3@4,host master - 0 0 0 connected\n\
                     c 127.0.0.1:5@6 slave a 0 0 0 connected\n\
                     d 127.0.0.1:7@8 master,fail - 0 0 0 disconnected\n";
        let host = "127.0.0.1".to_owned();
        let asked = Address { host, port: 1 };
        let found = newcomers(nodes, &asked);
        assert_eq!(found.iter().map(|node| node.port).collect::<Vec<_>>(), [3]);
    }
}

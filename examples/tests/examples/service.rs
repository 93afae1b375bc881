//! The service answers from its caches, sees its own writes, and stops when it is asked to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::Duration;

use cached_tests::RedisServer;
use serde_json::Value;

use crate::place::Place;

#[test]
fn serves_from_memory() {
    serve(&Place::new());
}

#[tokio::test]
async fn serves_from_redis() {
    let server = RedisServer::start().await;
    let place = Place::with_redis(server.url());
    serve(&place);
    // A second process starts with the first one's entries, and must not serve the price from before its own change.
    serve(&place);
}

fn serve(place: &Place) {
    let service = Service::start(place);

    let (status, product) = service.ask("GET", "/products/42", "");
    assert_eq!(status, 200);
    assert_eq!(json(&product)["id"], 42);
    assert_eq!(service.ask("GET", "/products/42", "").1, product);
    assert_eq!(service.ask("GET", "/products/0", "").0, 404);
    assert_eq!(service.ask("GET", "/products/none", "").0, 400);

    let (status, list) = service.ask("GET", "/categories/garden/cheapest", "");
    assert_eq!(status, 200);
    let list = json(&list);
    assert_eq!(list.as_array().unwrap().len(), 10);

    // The first of the list becomes dear; the next answers know.
    let id = &list[0]["id"];
    let (status, _) = service.ask("PUT", &format!("/products/{id}/price"), r#"{"cents": 1000000}"#);
    assert_eq!(status, 200);
    assert_eq!(
        json(&service.ask("GET", &format!("/products/{id}"), "").1)["cents"],
        1_000_000
    );
    let later = json(&service.ask("GET", "/categories/garden/cheapest", "").1);
    assert!(
        later
            .as_array()
            .unwrap()
            .iter()
            .all(|product| &product["id"] != id),
        "{later}"
    );
    assert_eq!(service.ask("PUT", "/products/0/price", r#"{"cents": 1}"#).0, 404);

    let (status, table) = service.ask("GET", "/stats", "");
    assert_eq!(status, 200);
    assert!(hits(&table, "product") >= 1, "{table}");

    assert_eq!(service.stop(), "stopped\n");
}

/// The second column of the row of the cache whose name ends so.
fn hits(table: &str, name: &str) -> u64 {
    let row = table.lines().map(str::split_whitespace).find_map(|mut words| {
        words
            .next()
            .is_some_and(|cache| cache.ends_with(name))
            .then_some(words)
    });
    row.and_then(|mut words| words.next())
        .unwrap_or_else(|| panic!("no {name} in\n{table}"))
        .parse()
        .unwrap()
}

struct Service {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Service {
    fn start(place: &Place) -> Self {
        let mut process = place.command("service").arg("0").spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("said {line:?}"));
        let address = address.to_owned();
        Self {
            process,
            output,
            address,
        }
    }

    /// One request on a connection of its own: the status and the body.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Asks it to stop as a container's host does; what it said after its address.
    fn stop(mut self) -> String {
        let sent = Command::new("kill")
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        assert!(self.process.wait().unwrap().success());
        said
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Only where the test has failed before it could stop it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

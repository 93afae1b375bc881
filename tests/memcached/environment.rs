//! Where the servers come from: the environment of a program that sets nothing up.

use cached_tests::{MemcachedServer, RedisServer, free_port, run_program};

/// What the program in `bin/plain.rs` says, and the warnings and errors it logs.
async fn run(start: &str, environment: &[(&str, &str)]) -> (String, String) {
    let output = run_program(env!("CARGO_BIN_EXE_plain"), start, environment).await;
    let [out, log] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{log}");
    let faults = log.lines().filter(|line| !line.starts_with("INFO"));
    (out, faults.collect())
}

fn expect(out: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            out.lines().any(|said| said == *line),
            "no line {line:?} in\n{out}"
        );
    }
}

#[tokio::test]
async fn addresses_mean_memcached_alone() {
    for start in ["implicit", "from_env"] {
        let (tcp, unix) = (MemcachedServer::start().await, MemcachedServer::unix(&[]).await);
        let servers = format!(" {} , {}", tcp.address(), unix.address());
        let (out, log) = run(start, &[("MEMCACHED_ADDR", &servers)]).await;
        expect(
            &out,
            &[
                "loads 2",
                "chain memcached",
                "hits 2",
                r#"entry Ok(Some("Hello, Ada"))"#,
            ],
        );
        assert_eq!(log, "");
        // What the first process has left serves the next.
        let (out, _) = run(
            start,
            &[("MEMCACHED_ADDR", &servers), ("CACHE_BACKEND", "local,memcached")],
        )
        .await;
        expect(&out, &["loads 0", "chain local,memcached"]);
    }
}

#[tokio::test]
async fn redis_comes_before_memcached_and_a_chain_may_have_both() {
    let (redis, memcached) = (RedisServer::start().await, MemcachedServer::start().await);
    let set = [
        ("REDIS_URL", &*redis.url()),
        ("MEMCACHED_ADDR", &*memcached.address()),
    ];
    let (out, _) = run("from_env", &set).await;
    expect(&out, &["loads 2", "chain local,redis"]);
    let [first, second] = set;
    let (out, _) = run("from_env", &[first, second, ("CACHE_BACKEND", "memcached,redis")]).await;
    expect(&out, &["loads 0", "chain memcached,redis"]);
}

#[tokio::test]
async fn a_mistake_names_its_variable() {
    for (variable, environment) in [
        ("MEMCACHED_ADDR", &[("MEMCACHED_ADDR", "http://10.0.0.7")][..]),
        (
            "MEMCACHED_ADDR",
            &[("MEMCACHED_ADDR", "127.0.0.1:1,,127.0.0.1:2")],
        ),
        ("MEMCACHED_ADDR", &[("MEMCACHED_ADDR", "127.0.0.1:1,127.0.0.1:1")]),
        ("MEMCACHED_ADDR", &[("CACHE_BACKEND", "local,memcached")]),
        (
            "CACHE_BACKEND",
            &[
                ("CACHE_BACKEND", "memcached,local"),
                ("MEMCACHED_ADDR", "127.0.0.1:1"),
            ],
        ),
    ] {
        let (out, _) = run("from_env", environment).await;
        assert!(
            out.starts_with("error Configuration: ") && out.contains(variable),
            "{environment:?}: {out}"
        );
        let (out, log) = run("implicit", environment).await;
        expect(&out, &["loads 6", "entry Ok(None)"]);
        assert_eq!(
            log.lines().filter(|line| line.starts_with("ERROR")).count(),
            1,
            "{log}"
        );
        assert!(log.contains(variable), "{log}");
    }
}

#[tokio::test]
async fn servers_that_are_down_are_no_error() {
    let nowhere = format!("127.0.0.1:{}", free_port());
    let (out, _) = run("from_env", &[("MEMCACHED_ADDR", &nowhere)]).await;
    expect(&out, &["loads 6", "chain memcached"]);
}

//! Where the stores come from: the environment of a program that sets nothing up.

use std::process::Output;

use cached_tests::{RedisCluster, RedisSentinel, RedisServer, free_port, run_program};

async fn run(argument: &str, environment: &[(&str, &str)]) -> Said {
    run_other(env!("CARGO_BIN_EXE_plain"), argument, environment).await
}

async fn run_other(program: &str, argument: &str, environment: &[(&str, &str)]) -> Said {
    Said::of(run_program(program, argument, environment).await)
}

struct Said {
    out: String,
    /// Warnings and errors.
    log: Vec<String>,
    /// What is no fault.
    told: Vec<String>,
}

impl Said {
    fn of(output: Output) -> Self {
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        let (told, log) = log
            .lines()
            .map(str::to_owned)
            .partition(|line| line.starts_with("INFO"));
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            log,
            told,
        }
    }

    fn expect(&self, lines: &[&str]) {
        for line in lines {
            assert!(
                self.out.lines().any(|said| said == *line),
                "no line {line:?} in\n{}{:#?}",
                self.out,
                self.log
            );
        }
    }
}

#[tokio::test]
async fn with_nothing_set_entries_are_in_memory() {
    for start in ["implicit", "from_env"] {
        let said = run(start, &[]).await;
        said.expect(&[
            "loads 2",
            "chain local",
            "hits 2",
            r#"entry Ok(Some("Hello, Ada"))"#,
        ]);
        assert_eq!(said.log, [""; 0]);
        // Which stores serve which functions.
        assert_eq!(said.told.len(), 1, "{:#?}", said.told);
        assert!(said.told[0].contains("::greeting: local; "), "{:?}", said.told);
    }
}

#[tokio::test]
async fn a_redis_url_means_memory_over_redis() {
    for start in ["implicit", "from_env"] {
        let server = RedisServer::start().await;
        let said = run(start, &[("REDIS_URL", &server.url())]).await;
        said.expect(&["loads 2", "chain local,redis", "hits 2"]);
        assert_eq!(said.log, [""; 0]);
        let mut keys: Vec<String> = server.cli(&["KEYS", "*"]).await;
        keys.sort();
        assert_eq!(keys, ["greeting:Ada", "length:Ada"]);
        // What the first process has left serves the next.
        run(start, &[("REDIS_URL", &server.url())])
            .await
            .expect(&["loads 0", "hits 3"]);
    }
}

#[tokio::test]
async fn a_redis_url_may_name_a_cluster_or_sentinels() {
    let (cluster, sentinels) = (RedisCluster::start().await, RedisSentinel::start().await);
    for url in [cluster.url(), sentinels.url()] {
        for start in ["implicit", "from_env"] {
            let loads = if start == "implicit" { "loads 2" } else { "loads 0" };
            let said = run(start, &[("REDIS_URL", &url)]).await;
            said.expect(&[loads, "chain local,redis"]);
            assert_eq!(said.log, [""; 0]);
        }
    }
    assert_eq!(cluster.keys().await, ["greeting:Ada", "length:Ada"]);
}

#[tokio::test]
async fn the_chain_and_the_namespace_are_heeded() {
    let server = RedisServer::start().await;
    let url = server.url();
    let said = run(
        "implicit",
        &[
            ("REDIS_URL", &url),
            ("CACHE_BACKEND", "redis"),
            ("CACHE_NAMESPACE", "a:b*"),
        ],
    )
    .await;
    said.expect(&["loads 2", "chain redis", "hits 2"]);
    let mut keys: Vec<String> = server.cli(&["KEYS", "*"]).await;
    keys.sort();
    assert_eq!(keys, ["a%3Ab%2A:greeting:Ada", "a%3Ab%2A:length:Ada"]);

    let said = run("implicit", &[("REDIS_URL", &url), ("CACHE_BACKEND", "local")]).await;
    said.expect(&["loads 2", "chain local"]);
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 2);
    let said = run(
        "implicit",
        &[("REDIS_URL", &url), ("CACHE_BACKEND", " local , redis ")],
    )
    .await;
    said.expect(&["loads 2", "chain local,redis"]);
    // An empty value is one that is not set.
    let said = run(
        "implicit",
        &[
            ("REDIS_URL", &url),
            ("CACHE_BACKEND", ""),
            ("CACHE_NAMESPACE", ""),
        ],
    )
    .await;
    said.expect(&["loads 0", "chain local,redis"]);
}

/// Values that cannot be used, and the variable that each is about.
const WRONG: [(&str, &[(&str, &str)]); 12] = [
    ("REDIS_URL", &[("REDIS_URL", "http://user:hush@example.com")]),
    ("REDIS_URL", &[("REDIS_URL", "redis://user:hush@127.0.0.1:99999")]),
    ("REDIS_URL", &[("REDIS_URL", "127.0.0.1:6379")]),
    (
        "REDIS_URL",
        &[("REDIS_URL", "redis-cluster://user:hush@a:1,b:2/3")],
    ),
    (
        "REDIS_URL",
        &[("REDIS_URL", "redis-sentinel://user:hush@a:1,b:2")],
    ),
    ("REDIS_URL", &[("REDIS_URL", "redis://user:hush@a:1,b:2")]),
    ("CACHE_BACKEND", &[("CACHE_BACKEND", "local,,redis")]),
    ("CACHE_BACKEND", &[("CACHE_BACKEND", "local,redis")]),
    ("CACHE_BACKEND", &[("CACHE_BACKEND", "nowhere")]),
    ("CACHE_BACKEND", &[("CACHE_BACKEND", "local,local")]),
    (
        "CACHE_BACKEND",
        &[
            ("CACHE_BACKEND", "redis,local"),
            ("REDIS_URL", "redis://127.0.0.1:1"),
        ],
    ),
    (
        "CACHE_BACKEND",
        &[
            ("CACHE_BACKEND", "local;redis"),
            ("REDIS_URL", "redis://127.0.0.1:1"),
        ],
    ),
];

#[tokio::test]
async fn from_env_names_the_variable_that_is_wrong() {
    for (variable, environment) in WRONG {
        let said = run("from_env", environment).await;
        assert!(
            said.out.starts_with("error Configuration: "),
            "{environment:?}: {}",
            said.out
        );
        assert!(said.out.contains(variable), "{environment:?}: {}", said.out);
        assert!(!said.out.contains("hush"), "{}", said.out);
    }
}

#[tokio::test]
async fn a_chain_that_cannot_be_is_told_with_those_that_can() {
    let url = ("REDIS_URL", "redis://127.0.0.1:1");
    for (chain, words) in [
        (
            "redis, local",
            "in the chain `local` is memory and stands behind `redis`; memory comes first, and once: `local`, `redis`",
        ),
        (
            "rediss",
            "the chain names the store `rediss`, and none is registered under that name; there are `local`, `moka`, `redis`, \
             `memcached`, `mysql`, `postgres`, `sqlite`, `none`",
        ),
        ("local,none", "`none` turns caching off, and stands alone"),
    ] {
        let said = run("from_env", &[url, ("CACHE_BACKEND", chain)]).await;
        let begins = format!("error Configuration: CACHE_BACKEND = {chain:?}: ");
        assert!(
            said.out.starts_with(&begins) && said.out.contains(words),
            "{}",
            said.out
        );
    }
}

#[tokio::test]
async fn none_turns_caching_off_and_says_so_once() {
    let server = RedisServer::start().await;
    let url = server.url();
    for start in ["implicit", "from_env"] {
        for environment in [
            &[("CACHE_BACKEND", "none")][..],
            &[("CACHE_BACKEND", "none"), ("REDIS_URL", &url)],
        ] {
            let said = run(start, environment).await;
            said.expect(&["loads 6", "hits 0", "entry Ok(None)"]);
            assert_eq!(said.log.len(), 1, "{:#?}", said.log);
            assert!(said.log[0].contains("caching is off"), "{:?}", said.log);
        }
    }
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
}

#[tokio::test]
async fn an_implicit_start_says_so_once_and_caches_nothing() {
    for (variable, environment) in WRONG {
        let said = run("implicit", environment).await;
        said.expect(&["loads 6", "hits 0", "entry Ok(None)"]);
        let errors: Vec<_> = said.log.iter().filter(|line| line.starts_with("ERROR")).collect();
        assert_eq!(errors.len(), 1, "{environment:?}: {:#?}", said.log);
        assert!(errors[0].contains(variable), "{environment:?}: {errors:?}");
        assert!(!errors[0].contains("hush"), "{errors:?}");
        let told = said.out.lines().find_map(|line| line.strip_prefix("uncached "));
        let logged = |why| errors[0].contains(format!("{why:?}").trim_matches('"'));
        assert!(told.is_some_and(logged), "{told:?}: {errors:?}");
        // No chains, which no function runs on.
        assert_eq!(said.told, [""; 0], "{environment:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_no_error() {
    let port = free_port();
    for (url, start) in [
        (format!("redis://127.0.0.1:{port}"), "implicit"),
        (format!("redis://127.0.0.1:{port}"), "from_env"),
        (format!("redis-cluster://127.0.0.1:{port}"), "from_env"),
        (format!("redis-sentinel://127.0.0.1:{port}/shop"), "from_env"),
    ] {
        let said = run(start, &[("REDIS_URL", &url)]).await;
        said.expect(&["loads 2", "chain local,redis", "hits 2"]);
        assert!(
            said.log.iter().all(|line| line.starts_with("WARN")),
            "{:#?}",
            said.log
        );
        let said = run(start, &[("REDIS_URL", &url), ("CACHE_BACKEND", "redis")]).await;
        said.expect(&["loads 6", "chain redis", "hits 0", "entry Ok(None)"]);
    }
}

/// What `Caches::builder` refuses must not be wrong values where nobody calls it.
#[tokio::test]
async fn two_functions_of_one_name_never_answer_for_each_other() {
    let server = RedisServer::start().await;
    for _ in 0..2 {
        let twins = env!("CARGO_BIN_EXE_twins");
        let said = run_other(twins, "", &[("REDIS_URL", &server.url())]).await;
        assert_eq!(said.out, "100 1\n100 1\n");
        let errors: Vec<_> = said.log.iter().filter(|line| line.starts_with("ERROR")).collect();
        assert_eq!(errors.len(), 1, "{:#?}", said.log);
        assert!(
            errors[0].contains("two functions are named `price`"),
            "{errors:?}"
        );
    }
}

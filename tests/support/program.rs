//! A program run to its end in an environment that holds what the test says and nothing else of the library's.

use std::process::Output;

use tokio::process::Command;

/// Every variable that the library reads.
const VARIABLES: [&str; 5] = [
    "CACHE_BACKEND",
    "CACHE_NAMESPACE",
    "CACHE_SQL_URL",
    "MEMCACHED_ADDR",
    "REDIS_URL",
];

/// Runs `program` with one argument and waits for it.
pub async fn run_program(program: &str, argument: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
        .arg(argument)
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap()
}

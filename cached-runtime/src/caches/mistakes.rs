//! What is wrong with a program's chains and names, and the cure of it.
//!
//! Called by the builder and by what reads the environment, before a `Caches` is there. What is wrong with patterns is in
//! `patterns`.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::registry::{Site, sites};
use crate::tier::memory::Memory;
use crate::{Error, ErrorKind};

/// One error that lists all mistakes, if there are any.
pub(super) fn refuse(mistakes: &[String]) -> Result<(), Error> {
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(refusal("these caches cannot be built", mistakes))
}

pub(super) fn refusal(what: &str, mistakes: &[String]) -> Error {
    let mut message = format!("{what}:");
    for mistake in mistakes {
        let _ = write!(message, "\n  - {mistake}");
    }
    Error::new(ErrorKind::Configuration, message)
}

/// What is wrong with a chain where these `stores` are there besides memory.
pub(super) fn check_chain(whose: &str, chain: &[&str], stores: &[&str], mistakes: &mut Vec<String>) {
    if chain.is_empty() {
        mistakes.push(format!("{whose} is empty: name at least `local`"));
    }
    for (at, name) in chain.iter().enumerate() {
        let memory = Memory::NAMES.contains(name);
        if memory && at > 0 {
            mistakes.push(format!(
                "in {whose} `{name}` is memory and stands behind `{}`; memory comes first, and once: {}",
                chain[0],
                listed(&in_order(chain))
            ));
        }
        if chain[..at].contains(name) {
            mistakes.push(format!("{whose} names `{name}` twice"));
        }
        if !memory && !stores.contains(name) {
            let there = [Memory::NAMES, stores].concat();
            mistakes.push(format!(
                "{whose} names the store `{name}`, and none is registered under that name{}; there are {}",
                cure(name, &there),
                listed(&there)
            ));
        }
    }
}

/// The chain as it can be: memory first, and once.
fn in_order<'a>(chain: &[&'a str]) -> Vec<&'a str> {
    let (memory, others): (Vec<&str>, Vec<&str>) =
        chain.iter().partition(|name| Memory::NAMES.contains(name));
    let mut ordered = Vec::new();
    for name in memory.into_iter().take(1).chain(others) {
        if !ordered.contains(&name) {
            ordered.push(name);
        }
    }
    ordered
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

const SQL: &str =
    "`Sql::connect(url).await?` registered under it, or `CACHE_SQL_URL` with `Caches::from_env`";

/// The stores that this crate has under a name, and whether they are compiled in.
const OWN: [(&str, bool); 5] = [
    ("redis", cfg!(feature = "redis")),
    ("memcached", cfg!(feature = "memcached")),
    ("mysql", cfg!(feature = "mysql")),
    ("postgres", cfg!(feature = "postgres")),
    ("sqlite", cfg!(feature = "sqlite")),
];

pub(super) fn is_compiled(name: &str) -> bool {
    OWN.contains(&(name, true))
}

/// How to come by a store of a name this crate knows, or one that is nearly one of `there`.
fn cure(name: &str, there: &[&str]) -> String {
    let cure = match name {
        "redis" => "`.store(\"redis\", Redis::connect(url).await?)`, or `REDIS_URL` with `Caches::from_env`",
        "memcached" => {
            "`.store(\"memcached\", Memcached::connect(servers).await?)`, or `MEMCACHED_ADDR` with `Caches::from_env`"
        }
        "mysql" | "postgres" | "sqlite" => SQL,
        // Were it compiled in, it would be there.
        "moka" => "",
        _ => {
            let near = there.iter().find(|other| other.eq_ignore_ascii_case(name));
            return near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        }
    };
    if is_compiled(name) {
        format!(" ({cure})")
    } else {
        format!(" (it needs the feature `{name}`)")
    }
}

pub(super) fn described(site: &Site) -> String {
    format!("`{}` ({})", site.name(), site.place())
}

/// Two functions that would share a name, or their keys.
pub(super) fn check_twins(mistakes: &mut Vec<String>) {
    let mut names: HashMap<String, &Site> = HashMap::new();
    let mut shapes: HashMap<String, &Site> = HashMap::new();
    for site in sites() {
        if let Some(other) = names.insert(site.name().to_owned(), site) {
            let (a, b) = (other.place(), site.place());
            mistakes.push(format!(
                "two functions are named `{}` ({a} and {b}): give one of them another `name`",
                site.name()
            ));
        }
        let template = site.template();
        if let Some(other) = shapes.insert(template.shape(), site) {
            let (a, b) = (described(other), described(site));
            mistakes.push(format!(
                "{a} and {b} have one key template, `{}`: give one of them another `key`",
                template.text()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_chain;

    fn mistakes(chain: &[&str], stores: &[&str]) -> Vec<String> {
        let mut mistakes = Vec::new();
        check_chain("the chain", chain, stores, &mut mistakes);
        mistakes
    }

    #[test]
    fn a_store_that_is_not_there_comes_with_its_cure() {
        for (name, compiled, cure) in [
            ("redis", cfg!(feature = "redis"), "`REDIS_URL`"),
            ("memcached", cfg!(feature = "memcached"), "`MEMCACHED_ADDR`"),
            ("mysql", cfg!(feature = "mysql"), "`CACHE_SQL_URL`"),
            ("postgres", cfg!(feature = "postgres"), "`CACHE_SQL_URL`"),
            ("sqlite", cfg!(feature = "sqlite"), "`CACHE_SQL_URL`"),
        ] {
            let said = mistakes(&["local", name], &[]).join("");
            assert_eq!(said.contains(cure), compiled, "{said}");
            let feature = format!("it needs the feature `{name}`");
            assert_eq!(said.contains(&feature), !compiled, "{said}");
            assert!(mistakes(&["local", name], &[name]).is_empty());
        }
        let said = mistakes(&["own"], &[]).join("");
        assert!(
            said.contains("registered under that name; there are `local`"),
            "{said}"
        );
        let said = mistakes(&["Local"], &[]).join("");
        assert!(said.contains("did you mean `local`?"), "{said}");
    }
}

//! `key`: what is in the text of a key, and that calls are told apart by it alone.

use cached_runtime::cache;

use crate::world::{Runs, world};

#[cache(key = "a1:user:{id}:{name}", skip(runs), backend = "local")]
async fn templated(runs: &Runs, id: u64, name: &str) -> u64 {
    let _ = (id, name);
    runs.next()
}

#[tokio::test]
async fn a_template_puts_the_arguments_in_their_places() {
    world(async |_| {
        assert_eq!(templated_entry(7, "ann").key().to_string(), "a1:user:7:ann");
        let runs = Runs::default();
        assert_eq!(templated(&runs, 7, "ann").await, 1);
        assert_eq!(templated(&runs, 7, "ann").await, 1);
        assert_eq!(templated(&runs, 8, "ann").await, 2);
        assert_eq!(templated(&runs, 7, "bob").await, 3);
        assert_eq!(templated_entry(7, "ann").get().await.unwrap(), Some(1));
    })
    .await;
}

struct Org {
    id: u32,
    plan: Plan,
    pair: (u8, &'static str),
}

struct Plan {
    code: String,
}

#[cache(
    key = "a1:org:{org.id}/{org.plan.code}|{org.pair.1}",
    skip(runs),
    backend = "local"
)]
async fn of_fields(runs: &Runs, org: &Org) -> u64 {
    let _ = org;
    runs.next()
}

#[tokio::test]
async fn field_paths_reach_into_arguments() {
    world(async |_| {
        let org = |id, code: &str| Org {
            id,
            plan: Plan {
                code: code.to_owned(),
            },
            pair: (1, "x"),
        };
        assert_eq!(
            of_fields_entry(&org(3, "free")).key().to_string(),
            "a1:org:3/free|x"
        );
        let runs = Runs::default();
        assert_eq!(of_fields(&runs, &org(3, "free")).await, 1);
        // What is not in the key does not count.
        let other = Org {
            pair: (2, "x"),
            ..org(3, "free")
        };
        assert_eq!(of_fields(&runs, &other).await, 1);
        assert_eq!(of_fields(&runs, &org(3, "paid")).await, 2);
        assert_eq!(other.pair.0, 2);
    })
    .await;
}

struct Tenant {
    tenant: String,
    inner: (u8, u16),
    runs: Runs,
}

impl Tenant {
    fn new(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            inner: (1, 2),
            runs: Runs::default(),
        }
    }

    #[cache(key = "a1:tenant:{self.tenant}:{self.inner.1}:{id}", backend = "local")]
    async fn of_self(&self, id: u64) -> u64 {
        let _ = id;
        self.runs.next()
    }
}

#[tokio::test]
async fn self_paths_tell_receivers_apart() {
    world(async |_| {
        let (a, b) = (Tenant::new("a"), Tenant::new("b"));
        assert_eq!(a.of_self_entry(1).key().to_string(), "a1:tenant:a:2:1");
        assert_eq!(a.of_self(1).await, 1);
        assert_eq!(b.of_self(1).await, 1);
        assert_eq!(b.of_self(1).await, 1);
        assert_eq!((a.runs.count(), b.runs.count()), (1, 1));
        a.of_self_entry(1).invalidate().await.unwrap();
        assert_eq!(a.of_self(1).await, 2);
        assert_eq!(b.of_self(1).await, 1);
    })
    .await;
}

#[cache(skip(runs), backend = "local")]
async fn by_default(runs: &Runs, id: u64, name: &str, flag: Option<bool>) -> u64 {
    let _ = (id, name, flag);
    runs.next()
}

#[cache(backend = "local")]
async fn of_nothing() -> u64 {
    4
}

#[tokio::test]
async fn without_a_template_the_key_is_the_path_and_every_argument() {
    world(async |_| {
        let text = by_default_entry(7, "a:b", None).key().to_string();
        assert_eq!(text, "surface::arguments::key::by_default:7:a%3Ab:%N");
        assert_eq!(
            of_nothing_entry().key().to_string(),
            "surface::arguments::key::of_nothing"
        );
        assert_eq!(of_nothing().await, 4);
        assert_eq!(of_nothing_entry().get().await.unwrap(), Some(4));
        let runs = Runs::default();
        assert_eq!(by_default(&runs, 7, "x", None).await, 1);
        assert_eq!(by_default(&runs, 7, "x", Some(true)).await, 2);
        assert_eq!(by_default(&runs, 7, "x", None).await, 1);
    })
    .await;
}

#[cache(key = "a1:{{literal}}:{id}:{{}}", backend = "local")]
async fn braces(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn doubled_braces_are_braces() {
    world(async |world| {
        assert_eq!(braces_entry(5).key().to_string(), "a1:{literal}:5:{}");
        assert_eq!(braces(5).await, 5);
        world.caches.invalidate_key("a1:{literal}:5:{}").await.unwrap();
        assert_eq!(braces_entry(5).get().await.unwrap(), None);
    })
    .await;
}

#[cache(key = "a1:twice:{id}:{id}", backend = "local")]
async fn twice(id: u64) -> u64 {
    id
}

#[cache(key = "a1:constant", backend = "local")]
async fn constant() -> u64 {
    1
}

#[cache(key = r"a1:mail*?[x]\:{id}", backend = "local")]
async fn with_glob_characters(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn odd_templates_are_templates() {
    world(async |world| {
        assert_eq!(twice_entry(5).key().to_string(), "a1:twice:5:5");
        assert_eq!(twice(5).await, 5);
        assert_eq!(constant().await, 1);
        assert_eq!(constant_entry().get().await.unwrap(), Some(1));
        assert_eq!(with_glob_characters(1).await, 1);
        world.caches.invalidate_key(r"a1:mail*?[x]\:1").await.unwrap();
        assert_eq!(with_glob_characters_entry(1).get().await.unwrap(), None);
        assert_eq!(with_glob_characters(1).await, 1);
        with_glob_characters_cache().clear().await.unwrap();
        assert_eq!(with_glob_characters_entry(1).get().await.unwrap(), None);
        assert_eq!(constant_entry().get().await.unwrap(), Some(1));
    })
    .await;
}

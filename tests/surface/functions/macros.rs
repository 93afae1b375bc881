//! Functions that a `macro_rules` writes.

use cached_runtime::{cache, invalidate};

use crate::world::{Runs, secs, world};

/// Everything comes in from outside.
macro_rules! reader_and_writer {
    ($(#[$meta:meta])* $vis:vis $name:ident, $writer:ident, $key:literal, $ttl:expr, $backend:expr, $arg:ident: $ty:ty => $value:ty, $body:block) => {
        $(#[$meta])*
        #[cache(key = $key, ttl = $ttl, backend = $backend, skip(runs))]
        $vis async fn $name(runs: &Runs, $arg: $ty) -> $value {
            runs.next();
            $body
        }

        #[invalidate($name($arg))]
        $vis async fn $writer($arg: $ty) {}
    };
}

reader_and_writer!(
    /// Documented.
    pub(crate) users, write_user, "f6:user:{id}", "1h", "local", id: u64 => Option<String>, { Some(format!("user {id}")) }
);
reader_and_writer!(posts, write_post, "f6:post:{slug}", "5s", ["local", "far"], slug: &str => Result<String, String>, { Ok(format!("post {slug}")) });

/// Everything is written in here, several functions of it, and the arguments' names are the macro's own.
macro_rules! family {
    ($($name:ident = $text:literal),+ $(,)?) => {$(
        #[cache(key = $text, ttl = |value: &u64| secs(*value), cache_if = |value| *value > 0, skip(runs))]
        async fn $name(runs: &Runs, id: u64, name: &str) -> u64 {
            let _ = name;
            id * runs.next()
        }
    )+};
}

family! {
    red = "f6:red:{id}:{name}",
    green = "f6:green:{id}:{name}",
    blue = "f6:blue:{name}/{id}",
}

/// Without a key: told apart by their names.
macro_rules! defaults {
    ($($name:ident)+) => {$(
        #[cache]
        async fn $name(id: u64) -> u64 {
            id
        }
    )+};
}

defaults! { circle square }

macro_rules! service {
    ($service:ident { $($method:ident: $field:ident),+ }) => {
        struct $service {
            $($field: u64,)+
        }

        impl $service {
            $(
                #[cache(skip(self), backend = "local")]
                async fn $method(&self, id: u64) -> u64 {
                    self.$field + id
                }
            )+

            #[invalidate($(Self::$method(id)),+)]
            async fn write(&self, id: u64) -> u64 {
                id
            }
        }
    };
}

service!(Colours {
    first: one,
    second: two
});

#[tokio::test]
async fn what_comes_from_outside_of_the_macro() {
    world(async |world| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(users(&runs, 1).await.as_deref(), Some("user 1"));
            assert_eq!(posts(&runs, "a b").await.as_deref(), Ok("post a b"));
        }
        assert_eq!(runs.count(), 2);
        assert_eq!(users_entry(1).key().to_string(), "f6:user:1");
        assert_eq!(posts_entry("a b").remaining_ttl().await.unwrap(), Some(secs(5)));
        assert_eq!(world.far.present(), ["f6:post:a%20b"]);
        write_post("a b").await;
        write_user(1).await;
        assert_eq!(posts_entry("a b").get().await.unwrap(), None);
        assert_eq!(users_entry(1).get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn several_functions_of_one_macro_call() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(red(&runs, 1, "x").await, 1);
            assert_eq!(green(&runs, 1, "x").await, 2);
            assert_eq!(blue(&runs, 1, "x").await, 3);
            assert_eq!(circle(1).await + square(2).await, 3);
        }
        assert_eq!(blue_entry(1, "x").key().to_string(), "f6:blue:x/1");
        assert_eq!(blue_entry(1, "x").remaining_ttl().await.unwrap(), Some(secs(3)));
        assert_eq!(
            circle_entry(1).key().to_string(),
            "surface::functions::macros::circle:1"
        );
        assert_eq!(square_cache().stats().entries, 1);
    })
    .await;
}

#[tokio::test]
async fn methods_of_one_macro_call() {
    world(async |_| {
        let colours = Colours { one: 1, two: 2 };
        assert_eq!((colours.first(1).await, colours.second(1).await), (2, 3));
        assert_eq!(Colours::second_entry(1).get().await.unwrap(), Some(3));
        assert_eq!(colours.write(1).await, 1);
        assert_eq!(Colours::first_entry(1).get().await.unwrap(), None);
        assert_eq!(Colours::second_entry(1).get().await.unwrap(), None);
    })
    .await;
}

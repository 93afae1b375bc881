//! Writers in the `impl` of a trait, `#[async_trait]` included.

use async_trait::async_trait;
use cached_runtime::{cache, invalidate};

use crate::world::world;

struct Users {
    tenant: String,
}

impl Users {
    #[cache(key = "i13:{self.tenant}:{id}", backend = "local")]
    async fn profile(&self, id: u64) -> u64 {
        id
    }

    #[cache(skip(self), backend = "local")]
    async fn shared(&self, id: u64) -> u64 {
        id
    }
}

trait Write {
    async fn write(&self, id: u64) -> Result<u64, String>;
    fn write_opaque(&self, id: u64) -> impl Future<Output = u64> + Send;
    async fn by_default(&self, id: u64) -> u64;
}

impl Write for Users {
    #[invalidate(self.profile(id), Self::shared(output))]
    async fn write(&self, id: u64) -> Result<u64, String> {
        if id == 0 {
            return Err("no".to_owned());
        }
        Ok(id)
    }

    #[invalidate(self.profile(id))]
    fn write_opaque(&self, id: u64) -> impl Future<Output = u64> + Send {
        async move { id }
    }

    #[invalidate(Users::shared(id))]
    async fn by_default(&self, id: u64) -> u64 {
        id
    }
}

#[async_trait]
trait Boxed {
    async fn write_boxed(&self, id: u64, name: &str) -> Result<u64, String>;
    async fn write_exclusively(&mut self, id: u64) -> u64;

    #[invalidate(key = "i13:a:{id}")]
    async fn write_by_default(&self, id: u64) -> u64 {
        id
    }
}

#[async_trait]
impl Boxed for Users {
    #[invalidate(self.profile(id), Users::shared(output))]
    async fn write_boxed(&self, id: u64, name: &str) -> Result<u64, String> {
        tokio::task::yield_now().await;
        if name.is_empty() {
            return Err("no".to_owned());
        }
        Ok(id)
    }

    #[invalidate(self.profile(id))]
    async fn write_exclusively(&mut self, id: u64) -> u64 {
        self.tenant.push('!');
        id
    }
}

async fn there(users: &Users) -> [bool; 2] {
    [
        users.profile_entry(1).get().await.unwrap().is_some(),
        Users::shared_entry(1).get().await.unwrap().is_some(),
    ]
}

async fn filled() -> Users {
    let users = Users {
        tenant: "a".to_owned(),
    };
    users.profile(1).await;
    users.shared(1).await;
    users
}

#[tokio::test]
async fn async_fn_and_impl_future() {
    world(async |_| {
        let users = filled().await;
        assert!(users.write(0).await.is_err());
        assert_eq!(there(&users).await, [true, true]);
        assert_eq!(users.write(1).await, Ok(1));
        assert_eq!(there(&users).await, [false, false]);
        let users = filled().await;
        assert_eq!(users.write_opaque(1).await, 1);
        assert_eq!(there(&users).await, [false, true]);
        assert_eq!(users.by_default(1).await, 1);
        assert_eq!(there(&users).await, [false, false]);
    })
    .await;
}

#[tokio::test]
async fn async_trait_is_recognised() {
    world(async |_| {
        let mut users = filled().await;
        assert!(users.write_boxed(1, "").await.is_err());
        assert_eq!(there(&users).await, [true, true]);
        assert_eq!(users.write_boxed(1, "x").await, Ok(1));
        assert_eq!(there(&users).await, [false, false]);
        users = filled().await;
        assert_eq!(users.write_exclusively(1).await, 1);
        users.tenant.pop();
        assert_eq!(there(&users).await, [false, true]);
        users = filled().await;
        assert_eq!(users.write_by_default(1).await, 1);
        assert_eq!(there(&users).await, [false, true]);
    })
    .await;
}

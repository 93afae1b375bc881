//! Writers in the `impl` of a trait, `#[async_trait]` included.

use async_trait::async_trait;
use cached_runtime::{cache, update};

use crate::world::world;

struct Users {
    tenant: u64,
}

impl Users {
    #[cache(key = "u10:{self.tenant}:{id}", strategy = "write_through", backend = "local")]
    async fn profile(&self, id: u64) -> u64 {
        id
    }
}

trait Write {
    async fn write(&self, id: u64) -> Result<u64, String>;
    fn write_opaque(&self, id: u64) -> impl Future<Output = u64> + Send;
}

impl Write for Users {
    #[update(self.profile(id))]
    async fn write(&self, id: u64) -> Result<u64, String> {
        if id == 0 {
            return Err("no".to_owned());
        }
        Ok(id + 100)
    }

    #[update(self.profile(id) = self.tenant + output)]
    fn write_opaque(&self, id: u64) -> impl Future<Output = u64> + Send {
        async move { id + 200 }
    }
}

#[async_trait]
trait Boxed {
    async fn write_boxed(&self, id: u64, name: &str) -> Option<u64>;
    async fn write_exclusively(&mut self, id: u64);
}

#[async_trait]
impl Boxed for Users {
    #[update(self.profile(id))]
    async fn write_boxed(&self, id: u64, name: &str) -> Option<u64> {
        tokio::task::yield_now().await;
        (!name.is_empty()).then_some(id + 300)
    }

    #[update(self.profile(id) = 400 + id)]
    async fn write_exclusively(&mut self, id: u64) {
        let _ = id;
        self.tenant += 0;
    }
}

#[tokio::test]
async fn of_each_form() {
    world(async |_| {
        let mut users = Users { tenant: 7 };
        users.write(1).await.unwrap();
        assert_eq!(users.profile(1).await, 101);
        users.write(0).await.unwrap_err();
        assert_eq!(users.profile(0).await, 0);
        users.write_opaque(2).await;
        assert_eq!(users.profile(2).await, 209);
        users.write_boxed(3, "a").await;
        assert_eq!(users.profile(3).await, 303);
        users.write_boxed(3, "").await;
        assert_eq!(users.profile(3).await, 3);
        users.write_exclusively(4).await;
        assert_eq!(users.profile(4).await, 404);
    })
    .await;
}

//! Making the shared connection: RESP3 where the server speaks it, else RESP2.
//!
//! Called by `link`. Knows the client's settings and nothing of what the connection is used for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult,
};

use super::link::{ANSWER, CONNECT};

/// Commands that may wait to be written before callers wait in turn.
const QUEUE: usize = 1024;

/// Held by the client as long as the connection lives, and rung when it lets go.
struct Bell(Arc<AtomicBool>);

impl Bell {
    fn ring(&self) {
        self.0.store(true, Relaxed);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// A connection, and whether the client has let go of it.
pub(super) type Dialled = (MultiplexedConnection, Arc<AtomicBool>);

/// A connection to the server.
pub(super) async fn dial(client: &Client) -> RedisResult<Dialled> {
    let lost = Arc::new(AtomicBool::new(false));
    let bell = Bell(Arc::clone(&lost));
    let config = timed().set_push_sender(move |push: PushInfo| {
        if push.kind == PushKind::Disconnection {
            bell.ring();
        }
        Ok::<(), std::convert::Infallible>(())
    });
    match client.get_multiplexed_async_connection_with_config(&config).await {
        Ok(connection) => Ok((connection, lost)),
        Err(error) if speaks_only_resp2(&error) => dial_resp2(client).await,
        Err(error) => Err(error),
    }
}

/// For servers before Redis 6 and proxies. Here a hang-up is noticed by the first call after it, which fails.
async fn dial_resp2(client: &Client) -> RedisResult<Dialled> {
    let info = client.get_connection_info();
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
    let client = Client::open(info.clone().set_redis_settings(settings))?;
    let connection = client
        .get_multiplexed_async_connection_with_config(&timed())
        .await?;
    Ok((connection, Arc::new(AtomicBool::new(false))))
}

fn timed() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER))
        .set_pipeline_buffer_size(QUEUE)
}

/// Servers say it in several ways, some of which repeat the arguments of the greeting, password included: such an
/// error must go no further than here.
fn speaks_only_resp2(error: &RedisError) -> bool {
    error.kind() == ErrorKind::RESP3NotSupported
        || error.code() == Some("NOPROTO")
        || error
            .detail()
            .is_some_and(|detail| detail.to_ascii_lowercase().starts_with("unknown command"))
}

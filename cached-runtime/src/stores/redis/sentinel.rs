//! The server that the sentinels name as the master.
//!
//! Called by `place`, for a link that dials anew whenever a connection is lost. Knows nothing of what it is for.
//!
//! As the guidelines for clients of Redis Sentinel want it: all sentinels are asked at once, the one that knows of the
//! latest fail-over is believed, and the server it names must say itself that it is a master. Beyond them, the
//! sentinels are asked again, twice a second, while a connection is kept: a master that was cut off from them, but not
//! from this process, would go on to take its removals for all the time that another one already serves the others.
//!
//! The client library has sentinel support too, behind a feature. It believes the first of them whose answer leads to a
//! master, which one that was cut off still is, asks none of them again while the connection lives, and brings a logger and
//! random numbers along.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    Client, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, cmd, from_redis_value, pipe,
};
use tokio::time::timeout;

use super::address::at;
use super::dial::{Dialled, dial};
use crate::stores::together::all;

/// How long a sentinel is waited for; the others have answered by then.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) struct Sentinels {
    all: Vec<Sentinel>,
    /// As the sentinels call it.
    master: String,
    /// How servers are dialled; the address in it is of nobody.
    server: Client,
}

struct Sentinel {
    client: Client,
    /// For the next question.
    kept: Mutex<Option<MultiplexedConnection>>,
}

/// What a sentinel says of the master.
struct Word {
    host: String,
    port: u16,
    /// Grows with each fail-over.
    epoch: u64,
}

impl Sentinels {
    pub(super) fn new(sentinels: Vec<Client>, master: String, server: Client) -> Self {
        let sentinel = |client| Sentinel {
            client,
            kept: Mutex::default(),
        };
        Self {
            all: sentinels.into_iter().map(sentinel).collect(),
            master,
            server,
        }
    }

    /// A connection to the master, and how it is reached.
    pub(super) async fn dial(&self) -> RedisResult<(Client, Dialled)> {
        let client = self.find().await?;
        let (mut connection, lost) = dial(&client).await?;
        match cmd("ROLE").query_async::<Value>(&mut connection).await {
            Ok(Value::Array(role)) if role.first() == Some(&Value::BulkString(b"master".to_vec())) => {}
            // A user may not be allowed to ask; the sentinels' word stands.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err((ErrorKind::Io, "the server is not the master yet, or any more").into()),
        }
        Ok((client, (connection, lost)))
    }

    /// Whether a sentinel knows another master than the one at `client`. Where none answers nobody knows better.
    pub(super) async fn name_another(&self, client: &Client) -> bool {
        let named = self.find().await;
        named.is_ok_and(|named| named.get_connection_info().addr() != client.get_connection_info().addr())
    }

    async fn find(&self) -> RedisResult<Client> {
        let asked = self
            .all
            .iter()
            .map(|sentinel| -> crate::BoxFuture<'_, _> { Box::pin(sentinel.ask(&self.master)) });
        let (mut best, mut worst): (Option<Word>, Option<RedisError>) = (None, None);
        for answer in all(asked.collect()).await {
            match answer {
                Ok(word) if best.as_ref().is_none_or(|best| best.epoch < word.epoch) => best = Some(word),
                // One that answers tells more than one that does not.
                Err(error) if worst.as_ref().is_none_or(RedisError::is_io_error) => worst = Some(error),
                Ok(_) | Err(_) => {}
            }
        }
        match (best, worst) {
            (Some(Word { host, port, .. }), _) => at(&self.server, &host, port),
            (None, Some(error)) => Err(error),
            (None, None) => Err((ErrorKind::EmptySentinelList, "there are no sentinels").into()),
        }
    }
}

impl Sentinel {
    async fn ask(&self, master: &str) -> RedisResult<Word> {
        let kept = self.kept().take();
        let answer = timeout(PATIENCE, async {
            if let Some(connection) = kept
                && let Ok(answer) = self.ask_over(connection, master).await
            {
                return Ok(answer);
            }
            let (connection, _) = dial(&self.client).await?;
            self.ask_over(connection, master).await
        });
        let answers = answer
            .await
            .map_err(|_| RedisError::from((ErrorKind::Io, "a sentinel does not answer")))??;
        let [address, description] = answers;
        let unknown = || {
            RedisError::from((
                ErrorKind::MasterNameNotFoundBySentinel,
                "unknown to the sentinels",
            ))
        };
        if address == Value::Nil {
            return Err(unknown());
        }
        let (host, port) = from_redis_value(address.extract_error()?)?;
        let description: HashMap<String, String> = from_redis_value(description.extract_error()?)?;
        let epoch = description
            .get("config-epoch")
            .and_then(|epoch| epoch.parse().ok());
        Ok(Word {
            host,
            port,
            epoch: epoch.unwrap_or(0),
        })
    }

    /// Where the master is, told before anything else by the sentinel that leads a fail-over, and all that is known of it.
    async fn ask_over(&self, mut connection: MultiplexedConnection, master: &str) -> RedisResult<[Value; 2]> {
        let mut both = pipe();
        both.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        both.cmd("SENTINEL").arg("MASTER").arg(master);
        let answers = connection.send_packed_commands(&both, 0, 2).await?;
        let answers = <[Value; 2]>::try_from(answers)
            .map_err(|_| RedisError::from((ErrorKind::Parse, "a sentinel's answer makes no sense")))?;
        *self.kept() = Some(connection);
        Ok(answers)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

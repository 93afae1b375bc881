//! Where a server is: at an address, or wherever sentinels say.
//!
//! Called by `link` when it needs a connection, and while it has one.

use redis::{Client, RedisResult};

use super::dial::{Dialled, dial};
use super::sentinel::Sentinels;

pub(super) enum Place {
    At(Client),
    /// Wherever they say when a connection is made.
    Behind(Sentinels),
}

impl Place {
    /// A connection to the server, and how it is reached.
    pub(super) async fn dial(&self) -> RedisResult<(Client, Dialled)> {
        match self {
            Self::At(client) => Ok((client.clone(), dial(client).await?)),
            Self::Behind(sentinels) => sentinels.dial().await,
        }
    }

    /// Whether the server may come to be elsewhere while the connection to it lives.
    pub(super) fn can_change(&self) -> bool {
        matches!(self, Self::Behind(_))
    }

    /// Whether it is known to be elsewhere than at `client` by now.
    pub(super) async fn has_changed(&self, client: &Client) -> bool {
        match self {
            Self::At(_) => false,
            Self::Behind(sentinels) => sentinels.name_another(client).await,
        }
    }
}

//! A web service whose queries are cached.
//!
//! ```text
//! cargo run --example service -- 3000          # the port; without one, a free port is taken
//! curl localhost:3000/products/42
//! curl localhost:3000/categories/garden/cheapest
//! curl -X PUT localhost:3000/products/42/price -H 'content-type: application/json' -d '{"cents": 995}'
//! curl localhost:3000/stats
//! ```
#![expect(clippy::print_stdout, reason = "it says where it listens")]

mod catalogue;
mod routes;

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;

use cached_examples::shop::Db;
use cached_runtime::Caches;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service says at its start that a setting is wrong. Left to the first call, this would be a line in the log.
    let caches = Caches::from_env().await?;
    caches.install()?;

    let port = env::args().nth(1).or_else(|| env::var("PORT").ok());
    let port = port.as_deref().unwrap_or("0");
    let port = port
        .parse::<u16>()
        .map_err(|error| format!("{port} is no port: {error}"))?;
    let db = Db::open().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);

    axum::serve(listener, routes::router(db))
        .with_graceful_shutdown(asked_to_stop())
        .await?;

    // Requests are answered; what still runs in the background for the caches is finished before the process ends.
    Caches::current().shutdown().await?;
    println!("stopped");
    Ok(())
}

/// Returns on ctrl-c, and where there are signals on SIGTERM, which is how containers are stopped.
async fn asked_to_stop() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = ctrl_c => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    ctrl_c.await;
}

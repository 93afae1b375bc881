//! A proxy between a client and a server on 127.0.0.1 that can be told to misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What a [`FaultProxy`] does to the connections it carries, old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: bytes pass.
    None,
    /// Every piece of an answer comes this much later.
    Delay(Duration),
    /// Connections are accepted and bytes swallowed; nothing comes back.
    Hang,
    /// Questions reach the server, answers do not come back.
    Mute,
    /// Connections are closed: those that are open now, and each new one at once.
    Cut,
    /// Every answer is replaced by bytes that mean nothing.
    Garbage,
}

/// A TCP proxy on a free port of 127.0.0.1. Dropping it cuts everything it carries.
pub struct FaultProxy {
    port: u16,
    fault: watch::Sender<Fault>,
    accepted: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

impl FaultProxy {
    /// A proxy to `port` of 127.0.0.1 that passes everything.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (fault, told) = watch::channel(Fault::None);
        let accepted = Arc::new(AtomicU64::new(0));
        let listener = tokio::spawn(serve(listener, port, told, Arc::clone(&accepted)));
        Self {
            port: own,
            fault,
            accepted,
            listener,
        }
    }

    /// Where clients find it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, for connections old and new.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.set(Fault::Cut);
        self.listener.abort();
    }
}

async fn serve(listener: TcpListener, port: u16, fault: watch::Receiver<Fault>, accepted: Arc<AtomicU64>) {
    while let Ok((client, _)) = listener.accept().await {
        accepted.fetch_add(1, Relaxed);
        tokio::spawn(carry(client, port, fault.clone()));
    }
}

async fn carry(client: TcpStream, port: u16, mut fault: watch::Receiver<Fault>) {
    if *fault.borrow() == Fault::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (told_asking, told_answering) = (fault.clone(), fault.clone());
    let asking = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut piece).await {
            let now = *told_asking.borrow();
            if now != Fault::Hang && to_server.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    let answering = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut piece).await {
            let now = *told_answering.borrow();
            match now {
                Fault::Hang | Fault::Mute => continue,
                Fault::Delay(time) => sleep(time).await,
                Fault::Garbage => piece[..length].fill(b'\x15'),
                Fault::None | Fault::Cut => {}
            }
            if to_client.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    // Whichever ends first, both halves of both connections close with this future.
    tokio::select! {
        () = asking => {}
        () = answering => {}
        _ = fault.wait_for(|fault| *fault == Fault::Cut) => {}
    }
}

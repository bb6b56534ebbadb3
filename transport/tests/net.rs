//! Sockets of the operating system: what binds, what connects, and how each failure is told.

#[path = "net/ipc.rs"]
#[cfg(unix)]
mod ipc;
#[path = "net/stream.rs"]
mod stream;
#[path = "net/tcp.rs"]
mod tcp;

use std::time::Duration;

use transport::endpoint::Endpoint;
use transport::net::{
    BindError, BindErrorKind, DialError, DialErrorKind, Listener, Stream, TransportOptions, dial,
};
use zmtp_core::peer::PeerAddress;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn options() -> TransportOptions {
    TransportOptions::default()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

async fn bind(text: &str) -> Result<Listener, BindError> {
    Listener::bind(&endpoint(text), &options()).await
}

async fn bind_error(text: &str) -> BindErrorKind {
    bind(text).await.expect_err(text).kind().clone()
}

async fn dial_error(text: &str, options: &TransportOptions) -> DialError {
    dial(&endpoint(text), options).await.expect_err(text)
}

async fn dial_error_kind(text: &str) -> DialErrorKind {
    dial_error(text, &options()).await.kind().clone()
}

/// Both ends of a connection, and what each says of the other.
struct Connected {
    accepted: Stream,
    dialled: Stream,
    client: PeerAddress,
    server: PeerAddress,
}

async fn connect_to(
    listener: &Listener,
    endpoint: &Endpoint,
) -> Result<Connected, Box<dyn std::error::Error>> {
    let options = options();
    let both = async { tokio::join!(listener.accept(), dial(endpoint, &options)) };
    let (accepted, dialled) = tokio::time::timeout(Duration::from_secs(10), both).await?;
    let (accepted, client) = accepted?;
    let (dialled, server) = dialled?;
    Ok(Connected { accepted, dialled, client, server })
}

async fn connect(listener: &Listener) -> Result<Connected, Box<dyn std::error::Error>> {
    connect_to(listener, listener.local()).await
}

#[tokio::test]
async fn inproc_needs_no_socket() {
    assert_eq!(bind_error("inproc://name").await, BindErrorKind::WrongTransport);
    let error = dial_error("inproc://name", &options()).await;
    assert_eq!(*error.kind(), DialErrorKind::WrongTransport);
    assert!(error.is_permanent());
}

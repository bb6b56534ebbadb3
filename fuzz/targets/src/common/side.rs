//! The two sides of each mechanism, as configurations.

use std::sync::Arc;

use zmtp_core::SocketType;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::mechanism::null::Null;
use zmtp_core::mechanism::plain::{PlainClient, PlainServer};
use zmtp_core::mechanism::{Role, Security};

use super::boxes::Boxes;
use super::node::{Cut, Node};
use super::secrets;

/// A mechanism, with its boxes where it has some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// NULL.
    Null,
    /// PLAIN.
    Plain,
    /// CURVE.
    Curve(Boxes),
}

impl Kind {
    /// One of all.
    #[must_use]
    pub fn choose(choice: u8) -> Self {
        match choice {
            0..=31 => Self::Null,
            32..=95 => Self::Plain,
            _ => Self::Curve(Boxes::choose(choice)),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain => "PLAIN",
            Self::Curve(_) => "CURVE",
        }
    }

    /// The security of one side; its secrets are those of [`secrets`].
    ///
    /// # Panics
    /// Never: all is short enough.
    #[must_use]
    pub fn security(self, role: Role) -> Arc<dyn Security> {
        match (self, role) {
            (Self::Null, _) => Arc::new(Null),
            (Self::Plain, Role::Client) => {
                Arc::new(PlainClient::new(secrets::USER, secrets::PASSWORD).expect("short"))
            }
            (Self::Plain, Role::Server) => Arc::new(PlainServer::default()),
            (Self::Curve(boxes), Role::Client) => {
                boxes.client(secrets::CLIENT, boxes.public(&secrets::SERVER))
            }
            (Self::Curve(boxes), Role::Server) => boxes.server(secrets::SERVER),
        }
    }

    /// One side; both are DEALERs.
    #[must_use]
    pub fn side(self, role: Role) -> ConnectionConfig {
        ConnectionConfig::new(SocketType::DEALER, self.security(role))
    }
}

/// Client and server, let in by each other.
///
/// # Panics
/// If they are not.
#[must_use]
pub fn established(kind: Kind) -> (Node, Node) {
    let mut client = Node::new(kind.side(Role::Client), 1, Cut::Whole);
    let mut server = Node::new(kind.side(Role::Server), 101, Cut::Whole);
    let (mut asked, mut told) = (0, 0);
    while asked < client.output.len() || told < server.output.len() {
        server.feed(&client.output[asked..]);
        asked = client.output.len();
        client.feed(&server.output[told..]);
        told = server.output.len();
    }
    assert!(client.peer().is_some() && server.peer().is_some());
    (client, server)
}

/// The other side.
#[must_use]
pub const fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

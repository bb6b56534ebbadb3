//! The mechanisms in both roles, for tests that go through all of them.

use ironhouse::auth::Authenticator;
use ironhouse::{Security, ServerSecurity};

use crate::Fallible;
use crate::judge::Judge;
use crate::keys::Keys;
use crate::theirs::{Setup, setup};

/// A mechanism.
#[expect(missing_docs, reason = "their names say it")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Plain,
    Curve,
}

/// All of them.
pub const KINDS: [Kind; 3] = [Kind::Null, Kind::Plain, Kind::Curve];

impl Kind {
    /// As the specifications name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain => "PLAIN",
            Self::Curve => "CURVE",
        }
    }
}

/// The security of a side of ours that lets `judge` judge its peers, and of a peer of ours: `user` with
/// `password`, or somebody with a key.
///
/// # Errors
/// None.
pub fn judged(kind: Kind, judge: impl Authenticator + 'static) -> Fallible<(Security, Security)> {
    let (server, client) = (Keys::new(), Keys::new());
    Ok(match kind {
        Kind::Null => (Security::null_with_authenticator("domain", judge)?, Security::null()),
        Kind::Plain => (
            ServerSecurity::plain().with_authenticator(judge),
            Security::plain_client("user", "password")?,
        ),
        Kind::Curve => (
            ServerSecurity::curve(server.pair()).with_authenticator(judge),
            Security::curve_client(client.pair(), server.public())?,
        ),
    })
}

/// What ours and libzmq are set up with.
pub struct Mechanism {
    /// The mechanism, and what ours is in it.
    pub name: &'static str,
    /// Ours.
    pub security: Security,
    /// Theirs.
    pub set: Setup,
}

/// NULL.
#[must_use]
pub fn null() -> Mechanism {
    Mechanism { name: "NULL", security: Security::null(), set: setup(|_| Ok(())) }
}

/// CURVE with ours as the server, and with ours as the client.
///
/// # Errors
/// None.
pub fn curve() -> Fallible<[Mechanism; 2]> {
    let (server, client) = (Keys::new(), Keys::new());
    let key = server.public();
    let as_server = ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u"));
    let as_client = Security::curve_client(client.pair(), key)?;
    Ok([
        Mechanism {
            name: "CURVE server",
            security: as_server,
            set: setup(move |socket| client.present(socket, &key)),
        },
        Mechanism {
            name: "CURVE client",
            security: as_client,
            set: setup(move |socket| server.serve(socket)),
        },
    ])
}

/// All of these.
///
/// # Errors
/// None.
pub fn all() -> Fallible<[Mechanism; 3]> {
    let [as_server, as_client] = curve()?;
    Ok([null(), as_server, as_client])
}

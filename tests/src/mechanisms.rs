//! The mechanisms in both roles, for tests that go through all of them.

use ironhouse::{Security, ServerSecurity};

use crate::Fallible;
use crate::judge::Judge;
use crate::keys::Keys;
use crate::theirs::{Setup, setup};

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

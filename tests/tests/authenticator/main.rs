//! The Authenticator at work on sockets, with clients of libzmq.

mod czmq;
mod hung;
mod pyzmq;
mod vocabulary;

use ironhouse::{Authenticator, Security, ServerSecurity, load_certificate};
use ironhouse_tests::Fallible;
use ironhouse_tests::keys::Keys;

fn null(judge: &Authenticator) -> Fallible<Security> {
    Ok(Security::null_with_authenticator("global", judge.clone())?)
}

fn plain(judge: &Authenticator) -> Security {
    ServerSecurity::plain().with_authenticator(judge.clone())
}

fn curve(server: &Keys, judge: &Authenticator) -> Security {
    ServerSecurity::curve(server.pair()).with_authenticator(judge.clone())
}

/// The keys in a file.
fn keys_in(file: impl AsRef<std::path::Path>) -> Fallible<Keys> {
    Ok(Keys(ironhouse::certificate_keys(&load_certificate(file)?)?))
}

//! ironhouse, with both faces.

use std::time::Duration;

use ironhouse::{
    Options, Pub, Pull, Push, Rep, Req, Router, Security, ServerSecurity, Sub, blocking,
};

use super::{Body, CLIENT_SECRET, End, Kind, Peer, SERVER_PUBLIC, SERVER_SECRET, Socket, Spec};
use crate::Error;

/// Longer than any answer takes.
const SPIN: Duration = Duration::from_millis(1);

pub struct Ironhouse;
pub struct Blocking;

fn security(spec: &Spec) -> Result<Security, Error> {
    if !spec.curve {
        return Ok(Security::null());
    }
    Ok(match spec.end {
        End::Bind(_) => {
            let keys = curve::KeyPair::from_secret(curve::SecretKey::from_z85(SERVER_SECRET)?);
            ServerSecurity::curve(keys).dangerous().accept_any_client()
        }
        End::Connect(_) => {
            let keys = curve::KeyPair::from_secret(curve::SecretKey::from_z85(CLIENT_SECRET)?);
            Security::curve_client(keys, SERVER_PUBLIC.parse::<curve::PublicKey>()?)?
        }
    })
}

fn options(spec: &Spec) -> Result<Options, Error> {
    let options = Options::new().security(security(spec)?);
    Ok(if spec.spin { options.spin(SPIN) } else { options })
}

macro_rules! face {
    ($peer:ident, $socket:ident, [$($path:tt)*], $blocking:literal, [$($wait:tt)*]) => {
        pub enum $socket {
            Push($($path)* Push),
            Pull($($path)* Pull),
            Pub($($path)* Pub),
            Sub($($path)* Sub),
            Req($($path)* Req),
            Rep($($path)* Rep),
            #[expect(dead_code, reason = "it is held, and idle")]
            Router($($path)* Router),
        }

        impl Peer for $peer {
            type Socket = $socket;
            const BLOCKING: bool = $blocking;

            async fn open(spec: Spec) -> Result<($socket, String), Error> {
                let options = options(&spec)?;
                macro_rules! start {
                    ($kind:ident) => {{
                        let socket = $($path)* $kind::new(options)?;
                        let endpoint = match &spec.end {
                            End::Bind(endpoint) => socket.bind(endpoint)$($wait)*?.to_string(),
                            End::Connect(endpoint) => {
                                socket.connect(endpoint)?;
                                endpoint.clone()
                            }
                        };
                        ($socket::$kind(socket), endpoint)
                    }};
                }
                Ok(match &spec.kind {
                    Kind::Push => start!(Push),
                    Kind::Pull => start!(Pull),
                    Kind::Pub => start!(Pub),
                    Kind::Sub(prefixes) => {
                        let (socket, endpoint) = start!(Sub);
                        if let $socket::Sub(socket) = &socket {
                            for prefix in prefixes {
                                socket.subscribe(prefix);
                            }
                        }
                        (socket, endpoint)
                    }
                    Kind::Req => start!(Req),
                    Kind::Rep => start!(Rep),
                    Kind::Router => start!(Router),
                })
            }
        }

        impl Socket for $socket {
            async fn send(&mut self, body: &Body) -> Result<(), Error> {
                macro_rules! give {
                    ($message:expr) => {
                        match self {
                            Self::Push(socket) => socket.send($message)$($wait)*?,
                            Self::Pub(socket) => socket.send($message)$($wait)*?,
                            Self::Req(socket) => socket.send($message)$($wait)*?,
                            Self::Rep(socket) => socket.send($message)$($wait)*?,
                            _ => return Err("it does not send".into()),
                        }
                    };
                }
                match body.shared() {
                    Some(shared) => give!(shared),
                    None => give!(body.octets()),
                }
                Ok(())
            }

            async fn recv(&mut self) -> Result<usize, Error> {
                let message = match self {
                    Self::Pull(socket) => socket.recv()$($wait)*?,
                    Self::Sub(socket) => socket.recv()$($wait)*?,
                    Self::Req(socket) => socket.recv()$($wait)*?,
                    Self::Rep(socket) => socket.recv()$($wait)*?,
                    _ => return Err("it does not receive".into()),
                };
                Ok(message.first().len())
            }
        }
    };
}

face!(Ironhouse, Async, [], false, [.await]);
face!(Blocking, Threaded, [blocking::], true, []);

//! A request (27/ZAP, "Message Format").

use std::sync::Arc;

use bytes::Bytes;
use zmtp_core::auth::{AuthRequest, Credentials, Domain, Secret};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use super::{Field, MAX_TEXT, VERSION, ZapError, address, text};

/// A request to a handler: the id that its reply will repeat, and the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    id: Bytes,
    question: AuthRequest,
}

impl Request {
    /// Puts a question as ZAP can express it. Port, zone, listener and the peer's own properties stay
    /// behind, and a peer in this process has no address.
    ///
    /// # Errors
    /// A domain outside ASCII, an illegal mechanism, credentials of another mechanism or too long for
    /// it. An empty domain is let through although the specification wants one: libzmq sends it too.
    pub fn new(id: impl Into<Bytes>, question: &AuthRequest) -> Result<Self, ZapError> {
        if !question.domain.as_str().is_ascii() {
            return Err(ZapError::NotAscii(Field::Domain));
        }
        if question.mechanism.as_str().is_none() {
            return Err(ZapError::Mechanism);
        }
        let frames = credential_frames(&question.credentials);
        let question = AuthRequest {
            domain: question.domain.clone(),
            address: expressible(&question.address),
            listener: Arc::default(),
            routing_id: question.routing_id.clone(),
            mechanism: question.mechanism,
            credentials: credentials(question.mechanism, &frames)?,
            metadata: Metadata::new(),
        };
        Ok(Self { id: id.into(), question })
    }

    /// Reads the frames after the delimiter.
    ///
    /// # Errors
    /// The first of [`ZapError`] that applies; a wrong version is found before anything else.
    pub fn decode<F: AsRef<[u8]>>(frames: &[F]) -> Result<Self, ZapError> {
        let frames: Vec<&[u8]> = frames.iter().map(AsRef::as_ref).collect();
        match frames.as_slice() {
            [version, ..] if *version != VERSION => Err(ZapError::Version),
            [_, id, domain, address, identity, mechanism, credential_frames @ ..] => {
                let domain = text(Field::Domain, domain)?;
                let address = text(Field::Address, address)?;
                let mechanism = MechanismName::new(mechanism).ok_or(ZapError::Mechanism)?;
                let question = AuthRequest {
                    domain: Domain::new(domain).ok_or(ZapError::TooLong(Field::Domain))?,
                    address: address::parse(address).ok_or(ZapError::Address)?,
                    listener: Arc::default(),
                    routing_id: RoutingId::new(identity)
                        .ok_or(ZapError::TooLong(Field::Identity))?,
                    mechanism,
                    credentials: credentials(mechanism, credential_frames)?,
                    metadata: Metadata::new(),
                };
                Ok(Self { id: Bytes::copy_from_slice(id), question })
            }
            short => Err(ZapError::RequestFrames(short.len())),
        }
    }

    /// The frames after the delimiter. A password leaves its protected memory here.
    #[must_use]
    pub fn encode(&self) -> Vec<Bytes> {
        let question = &self.question;
        let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let mut frames = vec![
            Bytes::from_static(VERSION),
            self.id.clone(),
            copy(question.domain.as_str()),
            question.address.zap_text().into(),
            question.routing_id.to_bytes(),
            copy(question.mechanism.as_str().unwrap_or_default()),
        ];
        frames.extend(
            credential_frames(&question.credentials).into_iter().map(Bytes::copy_from_slice),
        );
        frames
    }

    /// The id, opaque to the handler.
    #[must_use]
    pub const fn id(&self) -> &Bytes {
        &self.id
    }

    /// The question.
    #[must_use]
    pub const fn question(&self) -> &AuthRequest {
        &self.question
    }

    /// The id and the question. Its listener is empty, for whoever knows better to fill in.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, AuthRequest) {
        (self.id, self.question)
    }
}

/// The address without what a request cannot say.
fn expressible(address: &PeerAddress) -> PeerAddress {
    match *address {
        PeerAddress::Ip(ip) => address::from_ip(ip.ip()),
        PeerAddress::Process { uid, gid, pid } => {
            PeerAddress::Process { uid, gid, pid: pid.filter(|pid| *pid != 0) }
        }
        _ => PeerAddress::Unknown,
    }
}

fn credential_frames(credentials: &Credentials) -> Vec<&[u8]> {
    match credentials {
        Credentials::Plain { username, password } => vec![username, password.expose()],
        Credentials::Curve { public_key } => vec![public_key],
        Credentials::Other(frames) => frames.iter().map(Secret::expose).collect(),
        _ => Vec::new(),
    }
}

/// The credentials in the last frames of a request; their number and shape is the mechanism's
/// (27/ZAP, "The NULL Mechanism" to "The CURVE Mechanism").
fn credentials(mechanism: MechanismName, frames: &[&[u8]]) -> Result<Credentials, ZapError> {
    match (mechanism, frames) {
        (MechanismName::NULL, []) => Ok(Credentials::Null),
        (MechanismName::PLAIN, [username, password]) => {
            if username.len().max(password.len()) > MAX_TEXT {
                return Err(ZapError::TooLong(Field::Credentials));
            }
            Ok(Credentials::Plain {
                username: Bytes::copy_from_slice(username),
                password: Secret::new(password.to_vec()),
            })
        }
        (MechanismName::CURVE, [key]) => {
            let public_key = (*key).try_into().map_err(|_| ZapError::Credentials)?;
            Ok(Credentials::Curve { public_key })
        }
        (MechanismName::NULL | MechanismName::PLAIN | MechanismName::CURVE, _) => {
            Err(ZapError::Credentials)
        }
        (_, frames) => {
            Ok(Credentials::Other(frames.iter().map(|f| Secret::new(f.to_vec())).collect()))
        }
    }
}

//! What is known of the other side: facts apart from claims.

use alloc::string::String;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use bytes::Bytes;

use crate::auth::UserId;
use crate::socket_type::SocketType;
use crate::wire::greeting::{MechanismName, Version};
use crate::wire::metadata::Metadata;

/// Where a peer is, as the transport says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// Over TCP; an IPv4 address that was mapped into IPv6 stands here as IPv4.
    Ip(SocketAddr),
    /// Over a Unix socket: the credentials that the kernel reports, where it does.
    Process {
        /// User id of the peer's process.
        uid: u32,
        /// Group id of the peer's process.
        gid: u32,
        /// Process id, where the system tells.
        pid: Option<u32>,
    },
    /// In this process.
    Inproc,
    /// The transport cannot tell.
    Unknown,
}

impl PeerAddress {
    /// The address without port, in canonical form.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip().to_canonical()),
            Self::Process { .. } | Self::Inproc | Self::Unknown => None,
        }
    }

    /// What is counted together, since one subscriber usually has all of it: the IPv4 address, or the
    /// first 64 bits of the IPv6 address.
    #[must_use]
    pub fn network(&self) -> Option<IpAddr> {
        self.ip().map(|ip| match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        })
    }

    /// The address field of a ZAP request: the IP address, or for a process
    /// `localhost:uid:gid:pid`, or nothing.
    #[must_use]
    pub fn zap_text(&self) -> String {
        match self {
            Self::Ip(address) => alloc::format!("{}", address.ip().to_canonical()),
            Self::Process { uid, gid, pid } => {
                alloc::format!("localhost:{uid}:{gid}:{}", pid.unwrap_or(0))
            }
            Self::Inproc | Self::Unknown => String::new(),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => {
                write!(f, "{}", SocketAddr::new(address.ip().to_canonical(), address.port()))
            }
            Self::Process { uid, gid, pid: Some(pid) } => {
                write!(f, "process {pid} (uid {uid}, gid {gid})")
            }
            Self::Process { uid, gid, pid: None } => write!(f, "process of uid {uid}, gid {gid}"),
            Self::Inproc => f.write_str("this process"),
            Self::Unknown => f.write_str("unknown address"),
        }
    }
}

/// The name by which a ROUTER knows a peer: 0 to 255 octets, which all that hold it share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RoutingId(Option<Arc<[u8]>>);

impl RoutingId {
    /// An id, or `None` for more than 255 octets.
    #[must_use]
    pub fn new(id: impl AsRef<[u8]>) -> Option<Self> {
        let id = id.as_ref();
        // None stands for no octets everywhere, so that to be equal means to be the same.
        (id.len() <= 255).then(|| Self((!id.is_empty()).then(|| id.into())))
    }

    /// The octets.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// A copy of the octets.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }

    /// Whether no id was given.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the id lies in the range that implementations keep for ids of their own making
    /// (37/ZMTP, "The Identity Property": a leading zero octet).
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.as_bytes().first() == Some(&0)
    }
}

/// So that a table can be asked for the octets.
impl Borrow<[u8]> for RoutingId {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Hash for RoutingId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// Escaped: a peer chose it.
impl fmt::Display for RoutingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl fmt::Debug for RoutingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What this side has verified itself or was told by its authenticator. Nothing here is the peer's word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Where the peer is.
    pub address: PeerAddress,
    /// The mechanism that both sides completed.
    pub mechanism: MechanismName,
    /// The peer's permanent public key, proved in the handshake (CURVE only).
    pub public_key: Option<[u8; 32]>,
    /// The user that the authenticator recognised; `None` if nobody was asked or it named none.
    pub user_id: Option<UserId>,
    /// Properties that the authenticator attached.
    pub metadata: Metadata,
}

/// What the peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// Version of its greeting.
    pub version: Version,
    /// Whether its greeting claimed the server role of the mechanism; under NULL that has no meaning.
    pub as_server: bool,
    /// Its socket type, checked to fit ours.
    pub socket_type: SocketType,
    /// The Identity it asks for; empty if none.
    pub routing_id: RoutingId,
    /// All its properties, Socket-Type and Identity included.
    pub metadata: Metadata,
}

/// The other side of an established connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Facts.
    pub verified: Verified,
    /// Claims.
    pub claimed: Claimed,
}

impl Peer {
    /// The user that the authenticator recognised.
    #[must_use]
    pub const fn user_id(&self) -> Option<&UserId> {
        self.verified.user_id.as_ref()
    }
}

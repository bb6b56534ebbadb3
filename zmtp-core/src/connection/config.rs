//! What a connection is made of.

use alloc::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::auth::Domain;
use crate::limits::Limits;
use crate::mechanism::{Security, local_metadata};
use crate::peer::{PeerAddress, RoutingId};
use crate::socket_type::SocketType;
use crate::traffic::HeartbeatConfig;
use crate::wire::metadata::{Metadata, MetadataError};

/// The settings that all connections of a socket share.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    pub(super) socket_type: SocketType,
    pub(super) metadata: Bytes,
    pub(super) security: Arc<dyn Security>,
    pub(super) domain: Domain,
    pub(super) limits: Arc<Limits>,
    pub(super) heartbeat: HeartbeatConfig,
}

impl ConnectionConfig {
    /// Settings of a socket without routing id, properties, domain or heartbeats.
    #[must_use]
    pub fn new(socket_type: SocketType, security: Arc<dyn Security>) -> Self {
        let config = Self {
            socket_type,
            metadata: Bytes::new(),
            security,
            domain: Domain::default(),
            limits: Arc::new(Limits::DEFAULT),
            heartbeat: HeartbeatConfig::default(),
        };
        // Without properties of the caller nothing can be wrong with the names.
        config.clone().with_metadata(&RoutingId::default(), &Metadata::new()).unwrap_or(config)
    }

    /// Announces a routing id and further properties; names of applications begin with `X-`.
    ///
    /// # Errors
    /// [`MetadataError`] if a property cannot be expressed or is Socket-Type or Identity, or if the
    /// routing id begins with a zero octet.
    pub fn with_metadata(
        mut self,
        routing_id: &RoutingId,
        properties: &Metadata,
    ) -> Result<Self, MetadataError> {
        let mut block = BytesMut::new();
        local_metadata(self.socket_type, routing_id, properties)?.encode(&mut block);
        self.metadata = block.freeze();
        Ok(self)
    }

    /// Names a domain; under NULL that means that the authenticator is asked.
    #[must_use]
    pub fn with_domain(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// Bounds what a peer may cost.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = Arc::new(limits);
        self
    }

    /// Asks the peer for signs of life.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: HeartbeatConfig) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Type of the socket.
    #[must_use]
    pub const fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// Mechanism and credentials.
    #[must_use]
    pub fn security(&self) -> &Arc<dyn Security> {
        &self.security
    }

    /// The domain; empty if none was named.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// What a peer may cost.
    #[must_use]
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }
}

/// Where one connection runs.
#[derive(Debug, Clone)]
pub struct Link {
    /// The other side.
    pub address: PeerAddress,
    /// The endpoint of ours: the one that accepted, or the one that we connected to.
    pub listener: Arc<str>,
}

//! Options of connections below the patterns: sizes, times, and sockets of the operating system.

use std::time::Duration;

use transport::net::{Keepalive, SocksProxy, TransportOptions};
use zmtp_core::Limits;

use super::Options;

impl Options {
    /// What a peer may cost; replaces all of it. Default: [`Limits::DEFAULT`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Octets in all parts of one message of a peer; one that sends more is put out
    /// (`ZMQ_MAXMSGSIZE`). Default: 64 MiB, where libzmq has no limit.
    pub fn max_message_size(mut self, octets: usize) -> Self {
        self.limits.max_message = octets;
        self
    }

    /// How long a handshake may take, authentication included (`ZMQ_HANDSHAKE_IVL`). Zero leaves no time
    /// at all. Default: 10 s, where libzmq has 30 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake_timeout = timeout;
        self
    }

    /// Options of the sockets of the operating system; replaces all of them, those that the methods
    /// below set included.
    pub fn transport(mut self, transport: TransportOptions) -> Self {
        self.engine.transport = transport;
        self
    }

    /// How long one attempt to connect may take, with resolving the name (`ZMQ_CONNECT_TIMEOUT`). Zero
    /// leaves no time at all. Default: 10 s, where libzmq leaves it to the system.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.engine.transport.connect_timeout = timeout;
        self
    }

    /// How many connections the system holds until they are accepted (`ZMQ_BACKLOG`). Default: 1,024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.engine.transport.backlog = connections;
        self
    }

    /// Probes of idle TCP connections by the system (`ZMQ_TCP_KEEPALIVE` and its relatives). Default: as
    /// the system is set.
    pub fn tcp_keepalive(mut self, keepalive: Keepalive) -> Self {
        self.engine.transport.keepalive = keepalive;
        self
    }

    /// How long sent data may stay without acknowledgement until the system gives a TCP connection up
    /// (`ZMQ_TCP_MAXRT`); on Linux and its relatives, elsewhere bind and connect refuse. Default: as the
    /// system is set.
    pub fn tcp_retransmit_timeout(mut self, timeout: Duration) -> Self {
        self.engine.transport.retransmit_timeout = Some(timeout);
        self
    }

    /// Octets of the kernel's send buffer, over tcp and ipc (`ZMQ_SNDBUF`). Default: as the system is
    /// set; on Linux, at most 512 KiB over tcp that it cannot send yet.
    pub fn send_buffer(mut self, octets: usize) -> Self {
        self.engine.transport.send_buffer = Some(octets);
        self
    }

    /// Octets of the kernel's receive buffer, over tcp and ipc (`ZMQ_RCVBUF`). Default: as the system is
    /// set.
    pub fn receive_buffer(mut self, octets: usize) -> Self {
        self.engine.transport.receive_buffer = Some(octets);
        self
    }

    /// Type-of-service octet of TCP packets (`ZMQ_TOS`). Default: 0, not set.
    pub fn type_of_service(mut self, octet: u8) -> Self {
        self.engine.transport.type_of_service = octet;
        self
    }

    /// `tcp://*` listens on IPv6 as well as IPv4, and names may stand for IPv6 addresses first
    /// (`ZMQ_IPV6`). Addresses written as IPv6 need no option. Default: off.
    pub fn ipv6(mut self, on: bool) -> Self {
        self.engine.transport.ipv6 = on;
        self
    }

    /// The network interface that TCP connections must come or go through (`ZMQ_BINDTODEVICE`); on Linux
    /// and Android, elsewhere bind and connect refuse. Default: any.
    pub fn bind_device(mut self, interface: impl Into<String>) -> Self {
        self.engine.transport.device = Some(interface.into());
        self
    }

    /// Connects over tcp through this proxy (`ZMQ_SOCKS_PROXY`). Default: none.
    pub fn socks_proxy(mut self, proxy: SocksProxy) -> Self {
        self.engine.transport.socks_proxy = Some(proxy);
        self
    }
}

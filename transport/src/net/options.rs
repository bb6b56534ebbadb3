//! Options of sockets, below the protocol.

use std::time::Duration;

use super::SocksProxy;

/// How sockets of the operating system are set up. All limits are finite by default.
///
/// Taken at bind and connect; a connection that exists keeps what it was made with. Small messages
/// are never held back: `TCP_NODELAY` is always set, as in libzmq.
///
/// ```
/// use transport::net::{Keepalive, TransportOptions};
///
/// let mut options = TransportOptions::default();
/// options.backlog = 4096;
/// options.keepalive = Keepalive::Off;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportOptions {
    /// How long one attempt to connect may last, with resolving the name and all the addresses it
    /// stands for. Default 10 seconds; 0 leaves no time at all.
    ///
    /// `ZMQ_CONNECT_TIMEOUT` in milliseconds, where the default 0 leaves it to the system (minutes).
    pub connect_timeout: Duration,
    /// How many connections the system holds for [`accept`](super::Listener::accept); the system
    /// may lower it (Linux: `net.core.somaxconn`). Default 1,024; 0 counts as 1.
    ///
    /// `ZMQ_BACKLOG`, default 100: a server with more clients than that drops connections
    /// when all come back at once.
    pub backlog: u32,
    /// Probes of an idle TCP connection by the operating system. Default: as the system is set.
    pub keepalive: Keepalive,
    /// How long sent data may stay without acknowledgement before the system gives up a TCP
    /// connection (Linux and its relatives; elsewhere bind and connect refuse). Default `None`: as
    /// the system is set.
    ///
    /// `ZMQ_TCP_MAXRT` in milliseconds, default 0.
    pub retransmit_timeout: Option<Duration>,
    /// Octets of the kernel's send buffer, over tcp and ipc. Default `None`: as the system is set,
    /// which lets it grow as needed; Linux takes at most 512 KiB over tcp that it cannot send yet.
    ///
    /// `ZMQ_SNDBUF`, default -1.
    pub send_buffer: Option<usize>,
    /// Octets of the kernel's receive buffer, over tcp and ipc. Default `None`: as the system is
    /// set, which lets it grow as needed.
    ///
    /// `ZMQ_RCVBUF`, default -1.
    pub receive_buffer: Option<usize>,
    /// Type-of-service octet of IPv4 packets and traffic class of IPv6 ones. Default 0: not set.
    ///
    /// `ZMQ_TOS`, default 0.
    pub type_of_service: u8,
    /// Whether `tcp://*` listens on IPv6 as well as IPv4, and whether names that stand for addresses
    /// of both kinds keep the order of the resolver. Default `false`: `*` is `0.0.0.0`, and the
    /// IPv4 addresses of a name come first. Addresses written as IPv6 work in either case, and
    /// `[::]` listens on both.
    ///
    /// `ZMQ_IPV6`, default 0, which also keeps IPv6 addresses from working at all.
    pub ipv6: bool,
    /// The network interface that TCP connections must come or go through, such as `eth0` or a VRF
    /// (Linux and Android; elsewhere bind and connect refuse). Default `None`.
    ///
    /// `ZMQ_BINDTODEVICE`, default empty.
    pub device: Option<String>,
    /// Connects over tcp through this proxy. [`connect_timeout`](Self::connect_timeout) covers both
    /// ways. Default `None`.
    ///
    /// `ZMQ_SOCKS_PROXY`, default empty.
    pub socks_proxy: Option<SocksProxy>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            backlog: 1024,
            keepalive: Keepalive::System,
            retransmit_timeout: None,
            send_buffer: None,
            receive_buffer: None,
            type_of_service: 0,
            ipv6: false,
            device: None,
            socks_proxy: None,
        }
    }
}

/// Probes of an idle TCP connection by the operating system.
///
/// Heartbeats of ZMTP notice more: they cross proxies, and a stopped process does not answer them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keepalive {
    /// Whatever the system does by itself, which is nothing nearly everywhere
    /// (`ZMQ_TCP_KEEPALIVE` -1).
    #[default]
    System,
    /// No probes (`ZMQ_TCP_KEEPALIVE` 0).
    Off,
    /// Probes (`ZMQ_TCP_KEEPALIVE` 1). What is `None` is as the system is set; times are whole
    /// seconds, at least 1, or bind and connect refuse.
    On {
        /// How long a connection is idle before the first probe (`ZMQ_TCP_KEEPALIVE_IDLE`, seconds).
        idle: Option<Duration>,
        /// Time between probes (`ZMQ_TCP_KEEPALIVE_INTVL`, seconds).
        interval: Option<Duration>,
        /// Unanswered probes before the connection is given up (`ZMQ_TCP_KEEPALIVE_CNT`).
        /// Windows before version 10 has no such setting.
        count: Option<u32>,
    },
}

//! A socket whose type is chosen at run time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use transport::Engine;
use zmtp_core::{Message, SocketType};

use crate::error::{
    ConfigError, GrantError, Operation, RecvError, SendError, StartError, Unsupported,
};
use crate::face::sealed::{Face, Receiving, Sending};
use crate::face::{self, Receives, Sends, Socket, can};
use crate::pattern::guest::Guest;
use crate::peer::Peer;
use crate::proxy::Ends;
use crate::{
    Connecting, Dealer, Endpoint, IntoEndpoint, Monitor, Options, Pair, Pub, Pull, Push, RecvHalf,
    Rep, Req, Router, SendHalf, Sub, XPub, XSub,
};

/// The types; which of them send, receive and can be proxied.
macro_rules! any_socket {
    ($($name:ident $type:ident [$($can:ident)*])+) => {
        /// A socket whose type is chosen at run time, with the calls of all types: one that this type
        /// cannot do fails with [`Unsupported`], at once and without an effect.
        ///
        /// ```
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// use ironhouse::error::{Operation, RecvError, Unsupported};
        /// use ironhouse::{AnySocket, Options, SocketType};
        ///
        /// let socket = AnySocket::new(SocketType::PUSH, Options::new())?;
        /// let refusal = Unsupported { socket_type: SocketType::PUSH, operation: Operation::Receive };
        /// assert_eq!(socket.try_recv(), Err(RecvError::Unsupported(refusal)));
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum AnySocket {
            $(
                #[doc = concat!("A [`", stringify!($name), "`].")]
                $name($name),
            )+
        }

        $(
            impl From<$name> for AnySocket {
                fn from(socket: $name) -> Self {
                    Self::$name(socket)
                }
            }
        )+

        /// The same call on whatever it is.
        macro_rules! each {
            ($socket:expr, $inner:ident => $call:expr) => {
                match $socket {
                    $(AnySocket::$name($inner) => $call,)+
                }
            };
        }

        impl AnySocket {
            /// A socket of this type with these options. Nothing is sent before `bind` or `connect`.
            ///
            /// # Errors
            /// [`ConfigError`] for options that do not fit together.
            pub fn new(socket_type: SocketType, options: Options) -> Result<Self, ConfigError> {
                Ok(match socket_type {
                    $(SocketType::$type => Self::$name($name::new(options)?),)+
                })
            }

            fn as_sends(&self) -> Result<&dyn Sending, Unsupported> {
                match self {
                    $(Self::$name(socket) => can!(sends, socket, &dyn Sending, [$($can)*]),)+
                }
                .ok_or_else(|| self.unsupported(Operation::Send))
            }

            fn as_receives(&self) -> Result<&dyn Receiving, Unsupported> {
                match self {
                    $(Self::$name(socket) => can!(receives, socket, &dyn Receiving, [$($can)*]),)+
                }
                .ok_or_else(|| self.unsupported(Operation::Receive))
            }

            /// The socket for a proxy, if it can be in one.
            pub(crate) fn proxied(&self) -> Option<&dyn Ends> {
                match self {
                    $(Self::$name(socket) => can!(proxied, socket, &dyn Ends, [$($can)*]),)+
                }
            }
        }
    };
}

any_socket! {
    Req REQ [sends receives]
    Rep REP [sends receives]
    Push PUSH [sends proxied]
    Pull PULL [receives proxied]
    Dealer DEALER [sends receives proxied]
    Router ROUTER [sends receives proxied]
    Pub PUB [sends proxied]
    Sub SUB [receives proxied]
    XPub XPUB [sends receives proxied]
    XSub XSUB [sends receives proxied]
    Pair PAIR [sends receives proxied]
}

impl AnySocket {
    /// Accepts connections at `endpoint` and says where; see [`Push::bind`].
    ///
    /// Cancel safe: when dropped before it is done, nothing is bound.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(&self, endpoint: impl IntoEndpoint) -> Result<Endpoint, StartError> {
        self.engine().bind(&endpoint.into_endpoint()?).await
    }

    /// Connects to `endpoint` in the background; see [`Push::connect`].
    ///
    /// # Errors
    /// [`StartError`].
    pub fn connect(&self, endpoint: impl IntoEndpoint) -> Result<Connecting, StartError> {
        self.engine().connect(&endpoint.into_endpoint()?)
    }

    /// Stops to accept connections at `endpoint`, as `bind` named it, and ends those it has.
    ///
    /// # Errors
    /// [`StartError::NoSuchEndpoint`].
    pub fn unbind(&self, endpoint: impl IntoEndpoint) -> Result<(), StartError> {
        self.engine().release(&endpoint.into_endpoint()?)
    }

    /// Ends the connection to `endpoint`.
    ///
    /// # Errors
    /// [`StartError::NoSuchEndpoint`].
    pub fn disconnect(&self, endpoint: impl IntoEndpoint) -> Result<(), StartError> {
        self.unbind(endpoint)
    }

    /// What happens from now on: connections, refusals with their reasons, losses.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::new(self.engine())
    }

    /// Sends what waits, for as long as the linger option allows, and ends everything. Gives the
    /// number of messages that could not be sent.
    ///
    /// Cancel safe: when dropped before it is done, closing goes on in the background.
    pub async fn close(self) -> usize {
        self.finish().await
    }

    /// Sends a message; see [`Push::send`].
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// [`SendError`], never `WouldBlock`; `Unsupported` for PULL and SUB.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        face::send(self, &message.into(), self.send_limit()).await
    }

    /// Sends a message, waiting up to `timeout` while no peer takes one.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// [`SendError::TimedOut`] after that time: nothing was sent.
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        face::send(self, &message.into(), Some(timeout)).await
    }

    /// Sends a message if a peer takes one at once.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] otherwise.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.attempt_send(&message.into())
    }

    /// Receives a message; see [`Pull::recv`].
    ///
    /// Cancel safe: a dropped future has taken nothing.
    ///
    /// # Errors
    /// [`RecvError`], never `WouldBlock`; `Unsupported` for PUSH and PUB.
    pub async fn recv(&self) -> Result<Message, RecvError> {
        face::recv(self, self.recv_limit()).await
    }

    /// Receives a message, waiting up to `timeout` for one.
    ///
    /// Cancel safe: a dropped future has taken nothing.
    ///
    /// # Errors
    /// [`RecvError::TimedOut`] after that time.
    pub async fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        face::recv(self, Some(timeout)).await
    }

    /// Receives a message that is there already.
    ///
    /// # Errors
    /// [`RecvError::WouldBlock`] otherwise.
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        face::try_recv(self)
    }

    /// Subscribes to a prefix; see [`Sub::subscribe`].
    ///
    /// # Errors
    /// [`Unsupported`] for all types but SUB and XSUB.
    pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), Unsupported> {
        match self {
            Self::Sub(socket) => socket.subscribe(prefix),
            Self::XSub(socket) => socket.subscribe(prefix),
            _ => return Err(self.unsupported(Operation::Subscribe)),
        }
        Ok(())
    }

    /// Takes a subscription back; see [`Sub::unsubscribe`].
    ///
    /// # Errors
    /// [`Unsupported`] for all types but SUB and XSUB.
    pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<bool, Unsupported> {
        match self {
            Self::Sub(socket) => Ok(socket.unsubscribe(prefix)),
            Self::XSub(socket) => Ok(socket.unsubscribe(prefix)),
            _ => Err(self.unsupported(Operation::Subscribe)),
        }
    }

    /// How many different prefixes it is subscribed to, or its peers are: of SUB and XSUB, and of PUB and
    /// XPUB. Zero for all others, who know no subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        match self {
            Self::Sub(socket) => socket.subscriptions(),
            Self::XSub(socket) => socket.subscriptions(),
            Self::Pub(socket) => socket.subscriptions(),
            Self::XPub(socket) => socket.subscriptions(),
            _ => 0,
        }
    }

    /// Messages that a PUB, XPUB or XSUB dropped so far because a peer was full, once for each such peer.
    /// Zero for all others, who wait in its place.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match self {
            Self::Pub(socket) => socket.dropped(),
            Self::XPub(socket) => socket.dropped(),
            Self::XSub(socket) => socket.dropped(),
            _ => 0,
        }
    }

    /// Subscribes a peer to a prefix, whatever it asked for; see [`XPub::grant`].
    ///
    /// # Errors
    /// [`GrantError`]; `Unsupported` for all types but XPUB.
    pub fn grant(&self, peer: &Arc<Peer>, prefix: impl AsRef<[u8]>) -> Result<bool, GrantError> {
        self.as_xpub(Operation::Grant)?.grant(peer, prefix)
    }

    /// Takes a subscription of a peer back; see [`XPub::revoke`].
    ///
    /// # Errors
    /// [`GrantError`]; `Unsupported` for all types but XPUB.
    pub fn revoke(&self, peer: &Arc<Peer>, prefix: impl AsRef<[u8]>) -> Result<bool, GrantError> {
        self.as_xpub(Operation::Grant)?.revoke(peer, prefix)
    }

    /// Sends a message to one peer alone; see [`XPub::try_send_to`].
    ///
    /// # Errors
    /// As there; `Unsupported` for all types but XPUB.
    pub fn try_send_to(
        &self,
        peer: &Arc<Peer>,
        message: impl Into<Message>,
    ) -> Result<(), SendError> {
        self.as_xpub(Operation::SendToSubscriber)?.try_send_to(peer, message)
    }

    /// As `connect`, and the peer has the routing id `id` here; see [`Router::connect_with_routing_id`].
    ///
    /// # Errors
    /// As there; [`StartError::NoRoutingIds`] for all types but ROUTER.
    pub fn connect_with_routing_id(
        &self,
        endpoint: impl IntoEndpoint,
        id: impl AsRef<[u8]>,
    ) -> Result<Connecting, StartError> {
        let Self::Router(router) = self else {
            return Err(StartError::NoRoutingIds(self.socket_type()));
        };
        router.connect_with_routing_id(endpoint, id)
    }

    /// A sink for messages; see [`Push::sink`].
    ///
    /// Cancel safe, as there.
    pub fn sink(&self) -> impl futures_sink::Sink<Message, Error = SendError> + Send + Unpin {
        crate::stream::outgoing(self)
    }

    /// As [`sink`](Self::sink), with the socket inside.
    ///
    /// Cancel safe, as there.
    pub fn into_sink(
        self,
    ) -> impl futures_sink::Sink<Message, Error = SendError> + Send + Unpin + 'static {
        crate::stream::outgoing(Arc::new(self))
    }

    /// The messages as a stream; see [`Pull::stream`].
    ///
    /// Cancel safe, as there.
    pub fn stream(
        &self,
    ) -> impl futures_core::Stream<Item = Result<Message, RecvError>> + Send + Unpin {
        crate::stream::incoming(self)
    }

    /// As [`stream`](Self::stream), with the socket inside.
    ///
    /// Cancel safe, as there.
    pub fn into_stream(
        self,
    ) -> impl futures_core::Stream<Item = Result<Message, RecvError>> + Send + Unpin + 'static {
        crate::stream::incoming(Arc::new(self))
    }

    /// Two halves that different tasks can own; see [`Dealer::split`].
    ///
    /// # Errors
    /// The socket, if its two directions depend on each other, as those of REQ and REP do, or if there is
    /// only one.
    #[expect(clippy::result_large_err, reason = "it is the socket that was given")]
    pub fn split(self) -> Result<(SendHalf<Self>, RecvHalf<Self>), Self> {
        if !self.is_two_way() {
            return Err(self);
        }
        let socket = Arc::new(self);
        Ok((SendHalf(socket.clone()), RecvHalf(socket)))
    }

    /// Whether it can be split: proxies ask for the same.
    pub(crate) fn is_two_way(&self) -> bool {
        self.proxied().is_some() && self.as_sends().is_ok() && self.as_receives().is_ok()
    }

    fn as_xpub(&self, operation: Operation) -> Result<&XPub, Unsupported> {
        match self {
            Self::XPub(socket) => Ok(socket),
            _ => Err(self.unsupported(operation)),
        }
    }

    fn unsupported(&self, operation: Operation) -> Unsupported {
        Unsupported { socket_type: self.socket_type(), operation }
    }
}

/// Never fires.
static NEVER: Notify = Notify::const_new();

impl Socket for AnySocket {}
impl Sends for AnySocket {}
impl Receives for AnySocket {}

impl Face for AnySocket {
    fn face_type(&self) -> SocketType {
        each!(self, socket => socket.face_type())
    }

    fn engine(&self) -> &Engine {
        each!(self, socket => socket.engine())
    }

    fn linger(&self) -> Duration {
        each!(self, socket => socket.linger())
    }

    async fn finish(self) -> usize {
        each!(self, socket => socket.close().await)
    }
}

impl Sending for AnySocket {
    fn attempt_send(&self, message: &Message) -> Result<(), SendError> {
        self.as_sends()?.attempt_send(message)
    }

    fn sendable(&self) -> &Notify {
        self.as_sends().map_or(&NEVER, Sending::sendable)
    }

    fn send_limit(&self) -> Option<Duration> {
        self.as_sends().ok()?.send_limit()
    }
}

impl Receiving for AnySocket {
    fn take(&self) -> Option<Message> {
        self.as_receives().ok()?.take()
    }

    fn attempt_recv(&self) -> Result<Message, RecvError> {
        self.as_receives()?.attempt_recv()
    }

    fn receivable(&self) -> &Notify {
        self.as_receives().map_or(&NEVER, Receiving::receivable)
    }

    fn guest(&self) -> Guest<'_> {
        self.as_receives().map_or_else(|_| Guest::default(), Receiving::guest)
    }

    fn make_way(&self) {
        if let Ok(socket) = self.as_receives() {
            socket.make_way();
        }
    }

    fn watch(&self, begins: bool) {
        if let Ok(socket) = self.as_receives() {
            socket.watch(begins);
        }
    }

    fn has_message(&self) -> bool {
        self.as_receives().is_ok_and(Receiving::has_message)
    }

    fn give_back(&self, message: Message) {
        if let Ok(socket) = self.as_receives() {
            socket.give_back(message);
        }
    }

    fn recv_limit(&self) -> Option<Duration> {
        self.as_receives().ok()?.recv_limit()
    }

    fn spin(&self) -> Duration {
        self.as_receives().map_or(Duration::ZERO, Receiving::spin)
    }
}

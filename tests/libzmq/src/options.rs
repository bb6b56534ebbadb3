use crate::consts::*;
use crate::{Error, Socket};

/// # Options by number
///
/// Numbers are in [`crate::consts`]. Setting one returns the socket, to go on with the next.
impl Socket {
    /// Sets an option that is a number.
    ///
    /// # Errors
    ///
    /// If libzmq refuses the option or its value, which holds for all that follow.
    pub fn set_i32(&self, option: i32, value: i32) -> Result<&Self, Error> {
        self.set_bytes(option, value.to_ne_bytes())
    }

    /// Sets an option that is a number of 64 bits.
    pub fn set_i64(&self, option: i32, value: i64) -> Result<&Self, Error> {
        self.set_bytes(option, value.to_ne_bytes())
    }

    /// Sets an option that is on or off.
    pub fn set_bool(&self, option: i32, value: bool) -> Result<&Self, Error> {
        self.set_i32(option, value.into())
    }

    /// Sets an option that is some bytes.
    pub fn set_bytes(&self, option: i32, value: impl AsRef<[u8]>) -> Result<&Self, Error> {
        self.0.set(option, value.as_ref())?;
        Ok(self)
    }

    /// Sets an option that is a text.
    pub fn set_str(&self, option: i32, value: &str) -> Result<&Self, Error> {
        self.set_bytes(option, value)
    }

    /// An option that is a number.
    pub fn get_i32(&self, option: i32) -> Result<i32, Error> {
        let mut value = [0; 4];
        self.0.get(option, &mut value)?;
        Ok(i32::from_ne_bytes(value))
    }

    /// An option that is a number of 64 bits.
    pub fn get_i64(&self, option: i32) -> Result<i64, Error> {
        let mut value = [0; 8];
        self.0.get(option, &mut value)?;
        Ok(i64::from_ne_bytes(value))
    }

    /// An option that is some bytes; a CURVE key is 32 of them.
    pub fn get_bytes(&self, option: i32) -> Result<Vec<u8>, Error> {
        // libzmq tells from the room that it is given whether a key is wanted as bytes or text.
        let room = match option {
            ZMQ_CURVE_PUBLICKEY | ZMQ_CURVE_SECRETKEY | ZMQ_CURVE_SERVERKEY => 32,
            _ => 1024,
        };
        let mut value = vec![0; room];
        let size = self.0.get(option, &mut value)?;
        value.truncate(size);
        Ok(value)
    }

    /// An option that is a text.
    pub fn get_str(&self, option: i32) -> Result<String, Error> {
        let mut value = self.get_bytes(option)?;
        if value.last() == Some(&0) {
            value.pop();
        }
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    /// Where the last bind or connect has gone to.
    pub fn last_endpoint(&self) -> Result<String, Error> {
        self.get_str(ZMQ_LAST_ENDPOINT)
    }
}

/// Defines a setter for each of a list of options.
macro_rules! setters {
    ($($set:ident($value:ty) { $($(#[$doc:meta])* $name:ident = $option:ident;)* })*) => {
        /// # Options by name
        ///
        /// Times are in milliseconds. A key is its 32 bytes or the 40 characters of its Z85 text.
        impl Socket {
            $($(
                $(#[$doc])*
                pub fn $name(&self, value: $value) -> Result<&Self, Error> {
                    self.$set($option, value)
                }
            )*)*
        }
    };
}

setters! {
    set_bool(bool) {
        /// Makes this the server of the CURVE handshake.
        curve_server = ZMQ_CURVE_SERVER;
        /// Makes this the server of the PLAIN handshake.
        plain_server = ZMQ_PLAIN_SERVER;
        /// Queues messages for completed connections only.
        immediate = ZMQ_IMMEDIATE;
        /// ROUTER: refuses a message to an unknown peer instead of dropping it.
        router_mandatory = ZMQ_ROUTER_MANDATORY;
        /// ROUTER: lets a new peer take the routing id of an older one.
        router_handover = ZMQ_ROUTER_HANDOVER;
        /// Greets each ROUTER that it connects to with an empty message.
        probe_router = ZMQ_PROBE_ROUTER;
        /// XPUB: hands on repeated subscriptions too.
        xpub_verbose = ZMQ_XPUB_VERBOSE;
        /// XPUB: hands on repeated subscriptions and their ends too.
        xpub_verboser = ZMQ_XPUB_VERBOSER;
        /// XPUB: subscribes peers by hand only.
        xpub_manual = ZMQ_XPUB_MANUAL;
        /// PUB, XPUB: refuses a message when a queue is full instead of dropping it.
        xpub_nodrop = ZMQ_XPUB_NODROP;
        /// PUB, SUB: matches the messages that do not begin with a subscription.
        invert_matching = ZMQ_INVERT_MATCHING;
        /// REQ: may send again before a reply has come.
        req_relaxed = ZMQ_REQ_RELAXED;
        /// REQ: numbers requests, and takes only the reply that has the number.
        req_correlate = ZMQ_REQ_CORRELATE;
        /// Keeps the last message only.
        conflate = ZMQ_CONFLATE;
        /// STREAM: tells of connections and disconnections by empty messages.
        stream_notify = ZMQ_STREAM_NOTIFY;
        /// Uses IPv6 as well as IPv4.
        ipv6 = ZMQ_IPV6;
    }
    set_bytes(impl AsRef<[u8]>) {
        /// The public key of this CURVE client.
        curve_publickey = ZMQ_CURVE_PUBLICKEY;
        /// The secret key of this CURVE client or server.
        curve_secretkey = ZMQ_CURVE_SECRETKEY;
        /// The public key of the server; makes this the client of the CURVE handshake.
        curve_serverkey = ZMQ_CURVE_SERVERKEY;
        /// The name that peers address this socket by.
        routing_id = ZMQ_ROUTING_ID;
        /// ROUTER, STREAM: the name of the peer that the next connect leads to.
        connect_routing_id = ZMQ_CONNECT_ROUTING_ID;
        /// SUB: takes messages that begin so.
        subscribe = ZMQ_SUBSCRIBE;
        /// SUB: undoes one `subscribe`.
        unsubscribe = ZMQ_UNSUBSCRIBE;
        /// XPUB: what each new subscriber gets first.
        xpub_welcome_msg = ZMQ_XPUB_WELCOME_MSG;
    }
    set_str(&str) {
        /// The user name; makes this the client of the PLAIN handshake.
        plain_username = ZMQ_PLAIN_USERNAME;
        /// The password; makes this the client of the PLAIN handshake.
        plain_password = ZMQ_PLAIN_PASSWORD;
        /// What the ZAP handler is told that a client wants to enter.
        zap_domain = ZMQ_ZAP_DOMAIN;
    }
    set_i32(i32) {
        /// The time between two PINGs; 0 for none.
        heartbeat_ivl = ZMQ_HEARTBEAT_IVL;
        /// How long to wait for any answer to a PING.
        heartbeat_timeout = ZMQ_HEARTBEAT_TIMEOUT;
        /// How long the peer shall wait for the next PING.
        heartbeat_ttl = ZMQ_HEARTBEAT_TTL;
        /// How long a handshake may take; 0 for as long as it likes.
        handshake_ivl = ZMQ_HANDSHAKE_IVL;
        /// How long a connection may take to open; 0 for what the system allows.
        connect_timeout = ZMQ_CONNECT_TIMEOUT;
        /// How many messages may wait to be sent to a peer; 0 for any number.
        sndhwm = ZMQ_SNDHWM;
        /// How many messages of a peer may wait to be received; 0 for any number.
        rcvhwm = ZMQ_RCVHWM;
        /// How long to wait before connecting again; -1 for never.
        reconnect_ivl = ZMQ_RECONNECT_IVL;
        /// How far that time may double; 0 for not at all.
        reconnect_ivl_max = ZMQ_RECONNECT_IVL_MAX;
        /// How long a closed socket goes on sending; -1 until all is sent.
        linger = ZMQ_LINGER;
        /// How long to wait for a message; -1 for ever.
        rcvtimeo = ZMQ_RCVTIMEO;
        /// How long to wait for room to send; -1 for ever.
        sndtimeo = ZMQ_SNDTIMEO;
        /// How many connections may wait to be accepted.
        backlog = ZMQ_BACKLOG;
    }
    set_i64(i64) {
        /// The size of the largest message that a peer may send; -1 for any.
        maxmsgsize = ZMQ_MAXMSGSIZE;
    }
}

//! Router: talks to each peer by its routing id, the first part of every message (28/REQREP).

use std::sync::Arc;

use crate::error::StartError;
use crate::pattern::router::Routing;
use crate::peer::RoutingId;
use crate::socket::base::{Base, common, receives, refused, sends};
use crate::{Connecting, IntoEndpoint};

/// talks to each peer by its routing id, the first part of every message (28/REQREP).
#[derive(Debug)]
pub struct Router {
    base: Base,
    pattern: Arc<Routing>,
}

common!(Router, ROUTER, Routing, |options| Routing::new(&options));
sends!(Router, |this, message| this.pattern.try_send(message), &this.pattern.changed);
receives!(Router, |this| this.pattern.try_recv());

impl Router {
    /// As [`connect`](Self::connect), and the peer has the routing id `id` here, whatever it claims
    /// (`ZMQ_CONNECT_ROUTING_ID`): 1 to 255 octets that do not begin with zero. Messages for it can be
    /// sent at once; they wait for the connection.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ironhouse::{Options, Router};
    ///
    /// let (one, two) = (Router::new(Options::new())?, Router::new(Options::new())?);
    /// one.connect_with_routing_id(two.bind("tcp://127.0.0.1:*").await?, "two")?;
    /// one.send(("two", "hello")).await?;
    /// assert_eq!(two.recv().await?.get(1).expect("a body"), "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As `connect`; [`StartError::RoutingId`] for another length or a leading zero, and
    /// [`StartError::RoutingIdTaken`] if another peer has the id.
    pub fn connect_with_routing_id(
        &self,
        endpoint: impl IntoEndpoint,
        id: impl AsRef<[u8]>,
    ) -> Result<Connecting, StartError> {
        let id = RoutingId::new(id).ok_or(StartError::RoutingId)?;
        let endpoint = endpoint.into_endpoint()?;
        self.base.engine.connect_with(&endpoint, |pipe| self.pattern.preset(pipe, id))
    }
}

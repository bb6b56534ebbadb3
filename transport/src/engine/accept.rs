//! The accept loop of one listener.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio_util::sync::CancellationToken;
use zmtp_core::connection::Connection;
use zmtp_core::peer::PeerAddress;

use super::{Moving, Shared, Standing};
use crate::admission::{Admission, Place};
use crate::connection::{Greeted, begin_to_shake_hands, shake_hands};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::net::{Listener, Stream};

/// First and longest pause after the system ran out of descriptors or memory.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A listener, and what its connections need of it.
struct Entrance {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    /// The text of that.
    name: Arc<str>,
    stop: CancellationToken,
}

/// A connection that is not established yet.
struct Newcomer {
    entrance: Arc<Entrance>,
    stream: Stream,
    address: PeerAddress,
    place: Place,
    input: BytesMut,
}

pub(super) async fn accept(shared: Arc<Shared>, listener: Listener, stop: CancellationToken) {
    let endpoint = listener.local().clone();
    let name = endpoint.to_string().into();
    let admission = Admission::new(shared.options.max_half_open);
    let entrance = Arc::new(Entrance { shared, endpoint, name, stop });
    let Entrance { shared, endpoint, stop, .. } = &*entrance;
    let mut pause = PAUSE.0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = shared.closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                pause = PAUSE.0;
                let place = admission.enter(&address);
                let (entrance, input) = (entrance.clone(), BytesMut::new());
                let newcomer = Newcomer { entrance, stream, address, place, input };
                shared.tasks.spawn(serve(Box::new(newcomer)));
            }
            Err(error) => {
                let (exhausted, fatal) = (error.is_exhaustion(), error.is_fatal());
                shared.events.emit(Event::AcceptFailed { endpoint: endpoint.clone(), error });
                if fatal {
                    break;
                }
                if exhausted {
                    // Descriptors come back when connections end: wait, then look again.
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }
    drop(listener);
    shared.events.emit(Event::Unbound { endpoint: endpoint.clone() });
}

/// The task of a connection. Boxed is what it needs only at the beginning, so that this room is free again
/// while the connection lives; and no more is held than it needs then.
#[expect(clippy::manual_async_fn, reason = "an async function holds its argument twice")]
fn serve(mut newcomer: Box<Newcomer>) -> impl Future<Output = ()> + Send {
    async move {
        let Some(connection) = newcomer.arrive() else { return };
        let greeted = match newcomer.begin(connection) {
            Ok(greeted) => greeted,
            Err(connection) => match Box::pin(newcomer.shake_hands(connection)).await {
                Some(greeted) => greeted,
                None => return,
            },
        };
        let Some((entrance, mut standing)) = newcomer.admit(greeted) else { return };
        let end = {
            let Standing { pump, session } = &mut standing;
            let stopped = pin!(session.stop(&entrance.stop).cancelled());
            Moving { pump, stopped, clock: &entrance.shared.clock }.await
        };
        entrance.shared.dismiss(&entrance.endpoint, &standing, end, false);
        let pipe = standing.pump.ends().1.clone();
        drop(standing);
        entrance.shared.retire(&pipe);
    }
}

impl Newcomer {
    fn arrive(&self) -> Option<Connection> {
        let Entrance { shared, endpoint, name, .. } = &*self.entrance;
        let address = self.address.clone();
        shared.events.emit(Event::Connected { endpoint: endpoint.clone(), address });
        shared
            .connection(name.clone(), &self.address, None)
            .map_err(|error| shared.failed(endpoint, &self.address, error, None))
            .ok()
    }

    fn begin(&mut self, connection: Connection) -> Result<Greeted, Box<Connection>> {
        let now = self.entrance.shared.clock.now();
        begin_to_shake_hands(&self.stream, connection, now, &mut self.input)
    }

    async fn shake_hands(&mut self, connection: Box<Connection>) -> Option<Greeted> {
        let Entrance { shared, endpoint, stop, .. } = &*self.entrance;
        let hands = shared.hands(self.place.evicted());
        let shaken = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            () = shared.closing.cancelled() => return None,
            shaken = shake_hands(&self.stream, connection, &mut self.input, &hands) => shaken,
        };
        let failed = |error| shared.failed(endpoint, &self.address, error, hands.refused.get());
        shaken.map_err(failed).ok()
    }

    #[expect(clippy::boxed_local, reason = "the box is to be gone as well")]
    fn admit(self: Box<Self>, greeted: Greeted) -> Option<(Arc<Entrance>, Standing)> {
        let Self { entrance, stream, place, .. } = *self;
        drop(place);
        let Entrance { shared, endpoint, stop, .. } = &*entrance;
        let pipe = shared.new_pipe();
        pipe.count_in(&shared.backlog);
        match shared.admit(endpoint, stream, greeted, &pipe, stop) {
            Ok(standing) => Some((entrance, standing)),
            Err(_) => {
                shared.retire(&pipe);
                None
            }
        }
    }
}

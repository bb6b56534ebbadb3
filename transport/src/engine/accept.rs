//! The accept loop of one listener.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zmtp_core::peer::PeerAddress;

use super::{Established, Shared};
use crate::admission::{Admission, Place};
use crate::connection::shake_hands;
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::net::{Listener, Stream};

/// First and longest pause after the system ran out of descriptors or memory.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

pub(super) async fn accept(shared: Arc<Shared>, listener: Listener, stop: CancellationToken) {
    let endpoint = listener.local().clone();
    let admission = Admission::new(shared.options.max_half_open);
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
                let (shared, stop) = (shared.clone(), stop.clone());
                let task = serve(shared.clone(), endpoint.clone(), stream, address, place, stop);
                shared.tasks.spawn(task);
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
    shared.events.emit(Event::Unbound { endpoint });
}

async fn serve(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    stream: Stream,
    address: PeerAddress,
    place: Place,
    stop: CancellationToken,
) {
    shared.events.emit(Event::Connected { endpoint: endpoint.clone(), address: address.clone() });
    let hands = shared.hands(place.evicted());
    let shaken = match shared.connection(&endpoint, &address, None) {
        Ok(connection) => tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = shared.closing.cancelled() => return,
            // Boxed, so that its room is free again while the connection lives.
            shaken = Box::pin(shake_hands(&stream, connection, &hands)) => shaken,
        },
        Err(error) => Err(error),
    };
    drop(place);
    match shaken {
        Ok(greeted) => {
            let pipe = shared.new_pipe();
            pipe.count_in(&shared.backlog);
            let established = Established {
                endpoint: &endpoint,
                stream,
                greeted,
                pipe: &pipe,
                reconnecting: false,
            };
            shared.run(established, &stop, || ()).await;
            shared.retire(&pipe);
        }
        Err(error) => shared.failed(&endpoint, &address, error, hands.refused.get()),
    }
}

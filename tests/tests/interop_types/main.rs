//! Each socket type of ironhouse with each type of libzmq 4.3.5 that it may talk to: over tcp and ipc,
//! whoever binds, as they are and encrypted with either one as the server; all messages counted and
//! compared. The pairs that may not are in the tests of refusals.

mod publish;
mod talk;

use ironhouse::{AnySocket, Options, SocketType};
use ironhouse_tests::mechanisms::{self, Mechanism};
use ironhouse_tests::ours::parts;
use ironhouse_tests::place::{self, Meeting, Place};
use ironhouse_tests::theirs::{self, setup};
use ironhouse_tests::watch::{self, Their};
use ironhouse_tests::{Done, Fallible, rt};
use libzmq_reference as zmq;

/// Messages in each direction.
const COUNT: usize = 100;

/// Number, parts and sizes vary, empty ones among them; a publisher sees topics in the first parts.
fn messages() -> Vec<Vec<Vec<u8>>> {
    (0..COUNT)
        .map(|number| {
            let topic = ["A/", "B/", "AB/", "", "aA/"][number % 5];
            let mut message = vec![[topic, &number.to_string()].concat().into_bytes()];
            message.extend((0..number % 4).map(|part| vec![number as u8; part * number * 7]));
            match number {
                13 => message[0].clear(),
                50 => message.push(vec![1; 70_000]),
                _ => {}
            }
            message
        })
        .collect()
}

/// A pair of types, and how they meet.
struct Try<'a> {
    ours: SocketType,
    theirs: SocketType,
    place: Place,
    mechanism: &'a Mechanism,
}

impl Try<'_> {
    async fn run(&self, context: &zmq::Context) -> Done {
        let Self { ours, theirs, place, mechanism } = self;
        let what = format!("{ours} of ours with {theirs} of theirs, {place}, {}", mechanism.name);
        let mut options = Options::new().security(mechanism.security.clone());
        if ours.announces_identity() {
            options = options.routing_id("us")?;
        }
        let our_socket = AnySocket::new(*ours, options)?;
        let their_socket = context.socket(theirs::socket_type(*theirs))?;
        if theirs.announces_identity() {
            their_socket.routing_id("them")?;
        }
        if *theirs == SocketType::ROUTER {
            their_socket.router_mandatory(true)?;
        }
        let mut meeting =
            Meeting::arrange(*place, our_socket, their_socket, &mechanism.set).await?;
        let peer = watch::success(&what, &mut meeting.our_events).await;
        watch::theirs(&what, &meeting.their_events, Their::SUCCESS);
        assert_eq!(peer.claimed.socket_type, *theirs, "{what}");
        let id = if theirs.announces_identity() { "them" } else { "" };
        assert_eq!(peer.claimed.routing_id.as_bytes(), id.as_bytes(), "{what}");
        match (*ours, *theirs) {
            (SocketType::PUB | SocketType::XPUB, _) => {
                publish::ours(&what, *theirs, &meeting).await?
            }
            (_, SocketType::PUB | SocketType::XPUB) => {
                publish::theirs(&what, *theirs, &meeting).await?;
            }
            (ours, theirs) => talk::of(ours, theirs).hold(&what, &meeting).await?,
        }
        meeting.end().await
    }
}

fn legal_pairs() -> Vec<(SocketType, SocketType)> {
    let pairs = SocketType::ALL.into_iter().flat_map(|ours| {
        let theirs = SocketType::ALL.into_iter().filter(move |theirs| ours.accepts(*theirs));
        theirs.map(move |theirs| (ours, theirs))
    });
    pairs.collect()
}

/// Every legal pair in every place.
fn every_pair(mechanism: &Mechanism) -> Done {
    let pairs = legal_pairs();
    // As in the table of RFC 37, seen from both sides.
    assert_eq!(pairs.len(), 21);
    let mut tries = Vec::new();
    for (ours, theirs) in pairs {
        tries.extend(place::ALL.map(|place| Try { ours, theirs, place, mechanism }));
    }
    let context = theirs::context();
    rt::all_at_once(&tries, |it| rt::run(it.run(&context)))
}

// ZMTP-SOCKTYPE-01, ZMTP-SOCKTYPE-05, ZMTP-SOCKTYPE-06, ZMTP-SOCKTYPE-07, ZMTP-SOCKTYPE-08,
// ZMTP-SOCKTYPE-09, ZMTP-SOCKTYPE-10, ZMTP-SOCKTYPE-11, ZMTP-SOCKTYPE-12, ZMTP-IDENTITY-01,
// REQREP-REQ-01, REQREP-REQ-02, REQREP-REQ-03, REQREP-REQ-08, REQREP-REP-01, REQREP-REP-02,
// REQREP-REP-03, REQREP-REP-06, REQREP-REP-07, REQREP-DEALER-01,
// REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-ROUTER-04, PIPELINE-PUSH-01, PIPELINE-PULL-01, EXPAIR-02,
// PUBSUB-WIRE-01, PUBSUB-WIRE-02, PUBSUB-WIRE-04, PUBSUB-WIRE-05, PUBSUB-WIRE-09, PUBSUB-PUB-03,
// PUBSUB-SUB-02, PUBSUB-XPUB-01, PUBSUB-XSUB-01
#[test]
fn every_legal_pair_of_types_talks_as_it_should() -> Done {
    every_pair(&mechanisms::null())
}

// CURVE-05, CURVE-11
#[test]
fn every_legal_pair_of_types_talks_encrypted_with_ours_as_the_server() -> Done {
    every_pair(&mechanisms::curve()?[0])
}

// CURVE-05, CURVE-11
#[test]
fn every_legal_pair_of_types_talks_encrypted_with_ours_as_the_client() -> Done {
    every_pair(&mechanisms::curve()?[1])
}

/// Without an id of its own a peer gets one from the ROUTER, on either side.
// ZMTP-IDENTITY-04, ZMTP-IDENTITY-05
#[test]
fn routers_make_ids_up_for_peers_without_one() -> Done {
    rt::run(async {
        for place in place::ALL {
            let router = AnySocket::new(SocketType::ROUTER, Options::new())?;
            let dealer = theirs::context().socket(zmq::SocketType::Dealer)?;
            let meeting = Meeting::arrange(place, router, dealer, &setup(|_| Ok(()))).await?;
            meeting.theirs.send("hello", 0)?;
            let message = rt::in_time("a message", meeting.ours.recv()).await?;
            let id = message.first().to_vec();
            // In the range that no peer may claim.
            assert!(id.len() > 1 && id[0] == 0, "{place}: {id:?}");
            meeting.ours.send(parts([&id[..], b"hello"])).await?;
            assert_eq!(meeting.theirs.recv()?, b"hello", "{place}");
            meeting.end().await?;
        }
        Fallible::Ok(())
    })
}

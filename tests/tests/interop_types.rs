//! Each socket type of ironhouse with each type of libzmq 4.3.5 that it may talk to.

use ironhouse::{Options, Security, ServerSecurity, SocketType};
use ironhouse_tests::judge::Judge;
use ironhouse_tests::keys::Keys;
use ironhouse_tests::ours::{Ours, TYPES, frames, parts};
use ironhouse_tests::place::{self, Meeting, Place};
use ironhouse_tests::theirs::{self, Setup, setup};
use ironhouse_tests::watch::{self, Their};
use ironhouse_tests::{Done, Fallible, rt};

/// A message of theirs arrives at ours as this.
async fn we_receive(what: &str, meeting: &Meeting, sent: &[&str], arrives: &[&str]) -> Done {
    meeting.theirs.send_multipart(sent)?;
    let message = rt::in_time(what, meeting.ours.recv()).await?;
    let expected: Vec<_> = arrives.iter().map(|part| part.as_bytes().to_vec()).collect();
    assert_eq!(frames(&message), expected, "{what}: {sent:?} from theirs");
    Ok(())
}

/// A message of ours arrives at theirs as this.
async fn they_receive(what: &str, meeting: &Meeting, sent: &[&str], arrives: &[&str]) -> Done {
    rt::in_time(what, meeting.ours.send(parts(sent))).await?;
    let expected: Vec<_> = arrives.iter().map(|part| part.as_bytes().to_vec()).collect();
    assert_eq!(meeting.theirs.recv_multipart()?, expected, "{what}: {sent:?} from ours");
    Ok(())
}

/// The talk that the two types are for; `us` and `them` are their routing ids.
async fn talk(what: &str, ours: SocketType, theirs: SocketType, meeting: &Meeting) -> Done {
    use SocketType::{DEALER, PULL, PUSH, REP, REQ, ROUTER};
    match (ours, theirs) {
        (REQ, REP) => {
            they_receive(what, meeting, &["what", "time"], &["what", "time"]).await?;
            we_receive(what, meeting, &["noon"], &["noon"]).await?;
            they_receive(what, meeting, &["and now?"], &["and now?"]).await?;
            we_receive(what, meeting, &["", "later"], &["", "later"]).await
        }
        (REQ, ROUTER) => {
            they_receive(what, meeting, &["question"], &["us", "", "question"]).await?;
            // An answer without its delimiter is none; REQ goes on waiting.
            meeting.theirs.send_multipart(["us", "no answer"])?;
            we_receive(what, meeting, &["us", "", "answer"], &["answer"]).await
        }
        (REP, REQ) => {
            we_receive(what, meeting, &["what", "time"], &["what", "time"]).await?;
            they_receive(what, meeting, &["noon"], &["noon"]).await?;
            we_receive(what, meeting, &["and now?"], &["and now?"]).await?;
            they_receive(what, meeting, &["", "later"], &["", "later"]).await
        }
        (REP, DEALER) => {
            meeting.theirs.send_multipart(["no", "envelope"])?;
            we_receive(what, meeting, &["a", "b", "", "question"], &["question"]).await?;
            they_receive(what, meeting, &["answer"], &["a", "b", "", "answer"]).await
        }
        (DEALER, REP) => {
            they_receive(what, meeting, &["a", "", "question"], &["question"]).await?;
            we_receive(what, meeting, &["answer"], &["a", "", "answer"]).await
        }
        (DEALER, DEALER) => {
            they_receive(what, meeting, &["one", ""], &["one", ""]).await?;
            we_receive(what, meeting, &["", "two"], &["", "two"]).await
        }
        (DEALER, ROUTER) => {
            they_receive(what, meeting, &["", "hello"], &["us", "", "hello"]).await?;
            we_receive(what, meeting, &["us", "", "hello"], &["", "hello"]).await
        }
        (ROUTER, REQ) => {
            we_receive(what, meeting, &["question"], &["them", "", "question"]).await?;
            they_receive(what, meeting, &["them", "", "answer"], &["answer"]).await
        }
        (ROUTER, DEALER) => {
            we_receive(what, meeting, &["hello"], &["them", "hello"]).await?;
            they_receive(what, meeting, &["them", "", "hello"], &["", "hello"]).await
        }
        (ROUTER, ROUTER) => {
            they_receive(what, meeting, &["them", "hello"], &["us", "hello"]).await?;
            we_receive(what, meeting, &["us", "hello"], &["them", "hello"]).await
        }
        (PUSH, PULL) => {
            they_receive(what, meeting, &["work"], &["work"]).await?;
            they_receive(what, meeting, &["more", "", "work"], &["more", "", "work"]).await
        }
        (PULL, PUSH) => {
            we_receive(what, meeting, &["work"], &["work"]).await?;
            we_receive(what, meeting, &["more", "", "work"], &["more", "", "work"]).await
        }
        other => panic!("no talk is known for {other:?}"),
    }
}

async fn try_pair(
    what: &str,
    place: Place,
    (ours, theirs): (SocketType, SocketType),
    security: &Security,
    set: &Setup,
) -> Done {
    let mut options = Options::new().security(security.clone());
    if ours.announces_identity() {
        options = options.routing_id("us")?;
    }
    let our_socket = Ours::new(ours, options)?;
    let their_socket = theirs::context().socket(theirs::socket_type(theirs))?;
    if theirs.announces_identity() {
        their_socket.routing_id("them")?;
    }
    if theirs == SocketType::ROUTER {
        their_socket.router_mandatory(true)?;
    }
    let mut meeting = Meeting::arrange(place, our_socket, their_socket, set).await?;
    let peer = watch::success(what, &mut meeting.our_events).await;
    watch::theirs(what, &meeting.their_events, Their::SUCCESS);
    assert_eq!(peer.claimed.socket_type, theirs, "{what}");
    let id = if theirs.announces_identity() { "them" } else { "" };
    assert_eq!(peer.claimed.routing_id.as_bytes(), id.as_bytes(), "{what}");
    talk(what, ours, theirs, &meeting).await?;
    meeting.end().await
}

fn legal_pairs() -> impl Iterator<Item = (SocketType, SocketType)> {
    TYPES.into_iter().flat_map(|ours| {
        let theirs = SocketType::ALL.into_iter().filter(move |theirs| ours.accepts(*theirs));
        theirs.map(move |theirs| (ours, theirs))
    })
}

// ZMTP-SOCKTYPE-01, ZMTP-SOCKTYPE-05, ZMTP-SOCKTYPE-06, ZMTP-SOCKTYPE-07, ZMTP-SOCKTYPE-08, ZMTP-
// SOCKTYPE-11, ZMTP-IDENTITY-01, REQREP-REQ-01, REQREP-REQ-02, REQREP-REQ-03, REQREP-REQ-08,
// REQREP-REP-01, REQREP-REP-02, REQREP-REP-03, REQREP-REP-06, REQREP-REP-07, REQREP-DEALER-01,
// REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-ROUTER-04, PIPELINE-PUSH-01, PIPELINE-PULL-01
#[test]
fn every_legal_pair_of_types_talks_as_it_should() -> Done {
    let tries: Vec<_> =
        legal_pairs().flat_map(|pair| place::ALL.map(|place| (pair, place))).collect();
    assert_eq!(tries.len(), 12 * 4);
    rt::all_at_once(&tries, |(pair, place)| {
        let what = format!("{} of ours with {} of theirs, {place}", pair.0, pair.1);
        rt::run(try_pair(&what, *place, *pair, &Security::null(), &setup(|_| Ok(()))))
    })
}

// CURVE-05, CURVE-11
#[test]
fn every_legal_pair_of_types_talks_encrypted_too() -> Done {
    let (server, client) = (Keys::new(), Keys::new());
    let tries: Vec<_> = legal_pairs().collect();
    rt::all_at_once(&tries, |pair| {
        let what = format!("{} of ours with {} of theirs, CURVE", pair.0, pair.1);
        let security = ServerSecurity::curve(server.pair()).with_authenticator(Judge::accept("u"));
        let (keys, key) = (client.clone(), server.public());
        let set = setup(move |socket| keys.present(socket, &key));
        rt::run(try_pair(&what, place::ALL[0], *pair, &security, &set))
    })
}

/// Without an id of its own a peer gets one from the ROUTER, on either side.
// ZMTP-IDENTITY-04, ZMTP-IDENTITY-05
#[test]
fn routers_make_ids_up_for_peers_without_one() -> Done {
    rt::run(async {
        for place in place::ALL {
            let router = Ours::new(SocketType::ROUTER, Options::new())?;
            let dealer = theirs::context().socket(libzmq_reference::SocketType::Dealer)?;
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

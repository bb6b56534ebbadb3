//! The talk that two types are for, where nobody subscribes; `us` and `them` are their routing ids.

use ironhouse::SocketType;
use ironhouse_tests::ours::{frames, parts};
use ironhouse_tests::place::Meeting;
use ironhouse_tests::{Done, rt};

use crate::messages;

/// The parts that stand in front of a message.
type Front = &'static [&'static str];

/// Messages in one direction: what the sender puts in front, and what the receiver finds there.
#[derive(Clone, Copy)]
struct Way {
    sent: Front,
    arrives: Front,
}

/// Who says something first.
#[derive(Clone, Copy)]
enum Side {
    Ours,
    Theirs,
}

pub(crate) struct Talk {
    /// From ours to theirs.
    there: Option<Way>,
    /// From theirs to ours.
    back: Option<Way>,
    /// Each message is answered before the next one, which this side says.
    asks: Option<Side>,
    /// What theirs sends in front of every message, and ours does not take for one.
    noise: Front,
}

const fn way(sent: Front, arrives: Front) -> Option<Way> {
    Some(Way { sent, arrives })
}

const PLAIN: Option<Way> = way(&[], &[]);

/// Any number of messages, in each direction that there is.
const fn streams(there: Option<Way>, back: Option<Way>) -> Talk {
    Talk { there, back, asks: None, noise: &[] }
}

const fn questions(asks: Side, there: Option<Way>, back: Option<Way>) -> Talk {
    Talk { there, back, asks: Some(asks), noise: &[] }
}

pub(crate) fn of(ours: SocketType, theirs: SocketType) -> Talk {
    use SocketType::{DEALER, PAIR, PULL, PUSH, REP, REQ, ROUTER};
    match (ours, theirs) {
        (REQ, REP) => questions(Side::Ours, PLAIN, PLAIN),
        // An answer without its delimiter is none; REQ goes on waiting.
        (REQ, ROUTER) => Talk {
            noise: &["us", "no answer"],
            ..questions(Side::Ours, way(&[], &["us", ""]), way(&["us", ""], &[]))
        },
        (REP, REQ) => questions(Side::Theirs, PLAIN, PLAIN),
        (REP, DEALER) => Talk {
            noise: &["no", "envelope"],
            ..questions(Side::Theirs, way(&[], &["a", "b", ""]), way(&["a", "b", ""], &[]))
        },
        (DEALER, REP) => questions(Side::Ours, way(&["a", ""], &[]), way(&[], &["a", ""])),
        (DEALER, DEALER) | (PAIR, PAIR) => streams(PLAIN, PLAIN),
        (DEALER, ROUTER) => streams(way(&[], &["us"]), way(&["us"], &[])),
        (ROUTER, REQ) => questions(Side::Theirs, way(&["them", ""], &[]), way(&[], &["them", ""])),
        (ROUTER, DEALER) => streams(way(&["them"], &[]), way(&[], &["them"])),
        (ROUTER, ROUTER) => streams(way(&["them"], &["us"]), way(&["us"], &["them"])),
        (PUSH, PULL) => streams(PLAIN, None),
        (PULL, PUSH) => streams(None, PLAIN),
        other => panic!("no talk is known for {other:?}"),
    }
}

fn framed(front: Front, message: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let front = front.iter().map(|part| part.as_bytes().to_vec());
    front.chain(message.iter().cloned()).collect()
}

impl Talk {
    /// Says everything, and compares what arrives.
    pub(crate) async fn hold(&self, what: &str, meeting: &Meeting) -> Done {
        let all = messages();
        let Some(asks) = self.asks else {
            self.we_say(what, meeting, &all).await?;
            self.they_hear(what, meeting, &all)?;
            self.they_say(meeting, &all)?;
            return self.we_hear(what, meeting, &all).await;
        };
        for one in all.chunks(1) {
            if let Side::Ours = asks {
                self.we_say(what, meeting, one).await?;
                self.they_hear(what, meeting, one)?;
            }
            self.they_say(meeting, one)?;
            self.we_hear(what, meeting, one).await?;
            if let Side::Theirs = asks {
                self.we_say(what, meeting, one).await?;
                self.they_hear(what, meeting, one)?;
            }
        }
        Ok(())
    }

    async fn we_say(&self, what: &str, meeting: &Meeting, all: &[Vec<Vec<u8>>]) -> Done {
        let Some(way) = self.there else { return Ok(()) };
        for message in all {
            rt::in_time(what, meeting.ours.send(parts(framed(way.sent, message)))).await?;
        }
        Ok(())
    }

    fn they_hear(&self, what: &str, meeting: &Meeting, all: &[Vec<Vec<u8>>]) -> Done {
        let Some(way) = self.there else { return Ok(()) };
        for message in all {
            let heard = meeting.theirs.recv_multipart()?;
            assert_eq!(heard, framed(way.arrives, message), "{what}, theirs");
        }
        Ok(())
    }

    fn they_say(&self, meeting: &Meeting, all: &[Vec<Vec<u8>>]) -> Done {
        let Some(way) = self.back else { return Ok(()) };
        for message in all {
            meeting.theirs.send_multipart(self.noise)?;
            meeting.theirs.send_multipart(framed(way.sent, message))?;
        }
        Ok(())
    }

    async fn we_hear(&self, what: &str, meeting: &Meeting, all: &[Vec<Vec<u8>>]) -> Done {
        let Some(way) = self.back else { return Ok(()) };
        for message in all {
            let heard = rt::in_time(what, meeting.ours.recv()).await?;
            assert_eq!(frames(&heard), framed(way.arrives, message), "{what}, ours");
        }
        Ok(())
    }
}

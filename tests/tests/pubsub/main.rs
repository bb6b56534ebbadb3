//! PUB, SUB, XPUB and XSUB: ours with each other, with libzmq, and with peers that speak octets.

mod conflate;
mod device;
mod exchange;
mod interop_options;
mod limits;
mod manual;
mod marks;
mod monitor;
mod notices;
mod wire;

use std::time::Duration;

use ironhouse::error::RecvError;
use ironhouse::{Message, Options, Pub, Sub, XPub};
use ironhouse_tests::{Fallible, rt};

/// How long nothing must happen.
const QUIET: Duration = Duration::from_millis(150);

/// The last message of a test; everybody subscribes to it.
const END: &str = "\u{7f}end";

/// What sockets that publish have in common.
trait Publishes {
    fn topics(&self) -> usize;
}

impl Publishes for Pub {
    fn topics(&self) -> usize {
        self.subscriptions()
    }
}

impl Publishes for XPub {
    fn topics(&self) -> usize {
        self.subscriptions()
    }
}

/// Waits until the publisher knows of so many prefixes.
async fn knows(publisher: &impl Publishes, count: usize) {
    rt::until("subscriptions to arrive", || publisher.topics() == count).await;
}

/// What comes up to and without [`END`].
async fn until_end(sub: &Sub) -> Fallible<Vec<Message>> {
    let mut all = Vec::new();
    loop {
        let message = rt::in_time("the next message", sub.recv()).await?;
        if *message.first() == *END {
            return Ok(all);
        }
        all.push(message);
    }
}

/// The first parts.
fn topics(messages: &[Message]) -> Vec<Vec<u8>> {
    messages.iter().map(|message| message.first().to_vec()).collect()
}

/// The next thing that an XPUB is told, in full.
async fn told(xpub: &XPub) -> Fallible<Vec<u8>> {
    Ok(rt::in_time("a notice", xpub.recv()).await?.first().to_vec())
}

/// An XPUB is told nothing for a while.
async fn told_nothing(what: &str, xpub: &XPub) {
    rt::never(what, QUIET, xpub.recv()).await;
    assert_eq!(xpub.try_recv(), Err(RecvError::WouldBlock), "{what}");
}

/// A PUB with these options, and a SUB that is connected to it over TCP.
async fn pair(options: Options) -> Fallible<(Pub, Sub)> {
    let publisher = Pub::new(options)?;
    let sub = Sub::new(Options::new())?;
    sub.connect(publisher.bind(ironhouse_tests::place::ANYWHERE).await?)?.ready().await?;
    Ok((publisher, sub))
}

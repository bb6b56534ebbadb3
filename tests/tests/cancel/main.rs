//! Every future of the API, dropped at every point where it waits, under load: nothing is lost, nothing
//! comes twice, nothing is left half done.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use ironhouse::error::RecvError;
use ironhouse::{Message, Options, Pull, Push};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Fallible, ours};

const COUNT: u32 = 3_000;

/// Polls `future` up to `polls` times and drops it then, wherever it waits; gives what came of it
/// before.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Makes the same call again and again, cut after one poll, two polls, .. until it is done. In between,
/// others have their turn.
macro_rules! insist {
    ($call:expr) => {
        async {
            let mut round = 0;
            loop {
                if let Some(output) = cut(round % 4 + 1, $call).await {
                    break output;
                }
                round += 1;
                tokio::task::yield_now().await;
            }
        }
    };
}

/// Marks so low that both sides wait all the time.
fn tight() -> Options {
    Options::new().send_high_water_mark(2).receive_high_water_mark(2)
}

async fn pipeline(at: &str) -> Fallible<(Push, Pull)> {
    ours::pipeline(at, tight(), tight()).await
}

fn numbered(at: u32) -> Message {
    Message::from((at.to_be_bytes().to_vec(), ""))
}

fn check(message: Result<Message, RecvError>, at: u32) {
    assert_eq!(message.expect("a message").first(), &at.to_be_bytes(), "number {at}");
}

/// Every test goes over a transport and within the process.
fn everywhere(name: &str) -> [String; 2] {
    [ANYWHERE.to_owned(), format!("inproc://cancel-{name}")]
}

mod proxies;
mod serve;
mod sockets;
mod streams;
mod types;

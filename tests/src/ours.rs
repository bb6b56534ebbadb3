//! Sockets and messages of ironhouse: a pipeline, and lists of parts to make and to compare.

use ironhouse::{Message, Options, Pull, Push};

use crate::{Fallible, rt};

/// A PUSH that is connected with a PULL, which listens at this place.
///
/// # Errors
/// What is wrong with the options or the place.
///
/// # Panics
/// If there is no connection in time.
pub async fn pipeline(at: &str, push: Options, pull: Options) -> Fallible<(Push, Pull)> {
    let pull = Pull::new(pull)?;
    let endpoint = pull.bind(at).await?;
    let push = Push::new(push)?;
    rt::in_time("the connection", push.connect(&endpoint)?.ready()).await?;
    Ok((push, pull))
}

/// A message of these parts.
///
/// # Panics
/// If there are none.
pub fn parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Message {
    let parts = parts.into_iter().map(|part| part.as_ref().to_vec());
    Message::from_parts(parts).expect("a message has a part")
}

/// The parts of a message, to compare with.
#[must_use]
pub fn frames(message: &Message) -> Vec<Vec<u8>> {
    message.parts().map(|part| part.to_vec()).collect()
}

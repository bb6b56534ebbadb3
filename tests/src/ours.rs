//! Messages of ironhouse as lists of parts, to make and to compare.

use ironhouse::Message;

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

//! Subscriptions, as commands (37/ZMTP) and as messages (23/ZMTP).

use super::command::{Command, name};

/// What a subscriber asks of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionChange {
    /// Send what begins with the prefix.
    Subscribe,
    /// Take back one earlier [`Subscribe`](Self::Subscribe) of the same prefix.
    Cancel,
}

impl SubscriptionChange {
    /// The command of the 3.1 form.
    #[must_use]
    pub const fn command<'a>(self, prefix: &'a [u8]) -> Command<'a> {
        let name = match self {
            Self::Subscribe => name::SUBSCRIBE,
            Self::Cancel => name::CANCEL,
        };
        Command { name, data: prefix }
    }

    /// First octet of the 3.0 form.
    #[must_use]
    pub const fn marker(self) -> u8 {
        match self {
            Self::Subscribe => 1,
            Self::Cancel => 0,
        }
    }

    /// Reads the 3.0 form: a single-part message whose first octet is 1 or 0.
    #[must_use]
    pub const fn from_message(body: &[u8]) -> Option<(Self, &[u8])> {
        match body.split_first() {
            Some((1, prefix)) => Some((Self::Subscribe, prefix)),
            Some((0, prefix)) => Some((Self::Cancel, prefix)),
            _ => None,
        }
    }
}

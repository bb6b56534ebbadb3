//! PING and PONG (37/ZMTP, "Connection Heartbeating").

use core::time::Duration;

use super::Reader;
use super::command::{Command, name};
use crate::error::Malformed;

/// Octets that a PING may ask to have echoed.
pub const MAX_CONTEXT: usize = 16;

/// Zero to 16 octets that a PONG gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PingContext {
    len: u8,
    octets: [u8; MAX_CONTEXT],
}

impl PingContext {
    /// A context, or `None` for more than 16 octets.
    #[must_use]
    pub fn new(context: &[u8]) -> Option<Self> {
        let mut octets = [0; MAX_CONTEXT];
        octets.get_mut(..context.len())?.copy_from_slice(context);
        Some(Self { len: u8::try_from(context.len()).ok()?, octets })
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// How long the receiver of a PING should wait for further traffic, in tenths of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ttl(pub u16);

impl Ttl {
    /// The longest time that fits (6,553.5 s), for any that is longer; parts of a tenth are cut.
    #[must_use]
    pub fn from_duration(time: Duration) -> Self {
        Self(u16::try_from(time.as_millis() / 100).unwrap_or(u16::MAX))
    }

    /// The time, or `None` for zero, which means no limit.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_millis(u64::from(self.0) * 100))
    }
}

/// A heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// After this time without traffic the receiver may give the sender up.
    pub ttl: Ttl,
    /// What the PONG must give back.
    pub context: PingContext,
}

impl Ping {
    /// Reads the data of a PING command.
    ///
    /// # Errors
    /// [`Malformed::Ping`] without a whole TTL or with a context of over 16 octets.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let ttl = reader.array().map_err(|_| Malformed::Ping)?;
        let context = PingContext::new(reader.rest()).ok_or(Malformed::Ping)?;
        Ok(Self { ttl: Ttl(u16::from_be_bytes(*ttl)), context })
    }

    /// Calls `write` with the command.
    pub fn with_command<T>(&self, write: impl FnOnce(Command<'_>) -> T) -> T {
        let mut data = [0; 2 + MAX_CONTEXT];
        let (ttl, context) = data.split_at_mut(2);
        ttl.copy_from_slice(&self.ttl.0.to_be_bytes());
        for (to, from) in context.iter_mut().zip(self.context.as_bytes()) {
            *to = *from;
        }
        let len = 2 + usize::from(self.context.len);
        write(Command { name: name::PING, data: data.get(..len).unwrap_or_default() })
    }
}

/// Reads the data of a PONG command.
///
/// # Errors
/// [`Malformed::Pong`] for a context of over 16 octets.
pub fn decode_pong(data: &[u8]) -> Result<PingContext, Malformed> {
    PingContext::new(data).ok_or(Malformed::Pong)
}

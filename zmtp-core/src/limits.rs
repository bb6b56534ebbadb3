//! What a peer may cost: every bound of a connection in one place.

use core::time::Duration;

/// Bounds on what one connection may consume. All are finite by default.
///
/// Sizes are judged on the frame header, before the body is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// From accept or connect to the end of the handshake, authentication included. Default: 10 s.
    pub handshake_timeout: Duration,
    /// Octets of metadata in one handshake command. Default: 64 KiB.
    pub max_metadata: usize,
    /// Properties in one block of metadata. Default: 64.
    pub max_properties: usize,
    /// Octets in all parts of one message together. Default: 64 MiB.
    pub max_message: usize,
    /// Parts (frames) in one message. Default: 1,024.
    pub max_parts: usize,
    /// Subscriptions that one peer may hold. Default: 100,000.
    pub max_subscriptions: usize,
    /// Octets in all prefixes that one peer is subscribed to. Default: 16 MiB.
    pub max_subscription_octets: usize,
    /// Octets in a command after the handshake (the prefix of a subscription is the longest legal
    /// content). Default: 1 MiB.
    pub max_command: usize,
}

impl Limits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        handshake_timeout: Duration::from_secs(10),
        max_metadata: 64 * 1024,
        max_properties: 64,
        max_message: 64 * 1024 * 1024,
        max_parts: 1024,
        max_subscriptions: 100_000,
        max_subscription_octets: 16 * 1024 * 1024,
        max_command: 1024 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

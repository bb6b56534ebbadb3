//! The greeting: 64 octets with which both sides open a connection (37/ZMTP, "Formal Grammar").

use core::fmt;

use crate::error::{Incompatible, Kind, Malformed};

/// Length of a greeting in octets.
pub const GREETING_LEN: usize = 64;
/// Octets of the signature at the front of a greeting.
pub const SIGNATURE_LEN: usize = 10;
const MAJOR_AT: usize = 10;
const AS_SERVER_AT: usize = 32;

/// A version of ZMTP as announced in a greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 3 for everything that this crate speaks.
    pub major: u8,
    /// 0 or 1 in the published specifications.
    pub minor: u8,
}

impl Version {
    /// ZMTP 3.0 (23/ZMTP): subscriptions travel as messages, no heartbeats.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// ZMTP 3.1 (37/ZMTP), which this crate announces.
    pub const V3_1: Self = Self { major: 3, minor: 1 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The 20 octets that name a security mechanism: upper-case letters, digits, `-`, `_`, `.` and `+`,
/// filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechanismName([u8; 20]);

impl MechanismName {
    /// No security at all (37/ZMTP, "The NULL Security Mechanism").
    pub const NULL: Self = Self::padded(b"NULL");
    /// User name and password in clear text (24/ZMTP-PLAIN).
    pub const PLAIN: Self = Self::padded(b"PLAIN");
    /// Elliptic-curve security (25/ZMTP-CURVE, 26/CURVEZMQ).
    pub const CURVE: Self = Self::padded(b"CURVE");
    /// Kerberos (38/ZMTP-GSSAPI); a name for those who judge it, no side of it is spoken here.
    pub const GSSAPI: Self = Self::padded(b"GSSAPI");

    const fn padded<const N: usize>(name: &[u8; N]) -> Self {
        let mut octets = [0; 20];
        octets.split_at_mut(N).0.copy_from_slice(name);
        Self(octets)
    }

    /// The octets as they were received; not necessarily a legal name.
    #[must_use]
    pub const fn from_octets(octets: [u8; 20]) -> Self {
        Self(octets)
    }

    /// A name of 1 to 20 octets, or `None` if it breaks the grammar.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut octets = [0; 20];
        octets.get_mut(..name.len())?.copy_from_slice(name);
        // Zeros behind it are padding of the greeting and no part of a name.
        (Self(octets).as_str()?.len() == name.len()).then_some(Self(octets))
    }

    /// All 20 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 20] {
        &self.0
    }

    /// The name without padding, or `None` if the octets break the grammar.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        let end = self.0.iter().position(|octet| *octet == 0).unwrap_or(self.0.len());
        let (name, padding) = self.0.split_at_checked(end)?;
        let legal = |octet: &u8| {
            octet.is_ascii_uppercase() || octet.is_ascii_digit() || b"-_.+".contains(octet)
        };
        let ok = !name.is_empty() && name.iter().all(legal) && padding.iter().all(|o| *o == 0);
        if ok { core::str::from_utf8(name).ok() } else { None }
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(name) => f.write_str(name),
            None => write!(f, "\"{}\"", self.0.escape_ascii()),
        }
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What one side announces in its greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// Highest version that the sender speaks.
    pub version: Version,
    /// The one mechanism that the sender accepts.
    pub mechanism: MechanismName,
    /// Whether the sender takes the server role of the mechanism; libzmq always says no.
    pub as_server: bool,
}

impl Greeting {
    /// The 64 octets, padding and filler zero.
    #[must_use]
    pub fn encode(&self) -> [u8; GREETING_LEN] {
        let mut out = [0; GREETING_LEN];
        out[0] = 0xFF;
        out[9] = 0x7F;
        out[MAJOR_AT] = self.version.major;
        out[MAJOR_AT + 1] = self.version.minor;
        out[12..AS_SERVER_AT].copy_from_slice(self.mechanism.octets());
        out[AS_SERVER_AT] = u8::from(self.as_server);
        out
    }

    /// Reads a greeting from the front of `input`, which may still be incomplete (`Ok(None)`).
    ///
    /// Octets are judged as soon as they are there: garbage is refused on the first one, an old
    /// version on the eleventh, a wrong as-server on the thirty-third, so that nobody waits for the
    /// rest of something that is no greeting.
    /// Padding and filler are ignored.
    ///
    /// # Errors
    /// [`Malformed::Signature`] or [`Malformed::AsServer`] for octets that are no ZMTP 3.x greeting,
    /// [`Incompatible::Version`] for a version below 3.0.
    pub fn decode(input: &[u8]) -> Result<Option<Self>, Kind> {
        let signature_ok = input.first().is_none_or(|octet| *octet == 0xFF)
            && input.get(SIGNATURE_LEN - 1).is_none_or(|octet| *octet == 0x7F);
        if !signature_ok {
            return Err(Malformed::Signature.into());
        }
        if let Some(&major) = input.get(MAJOR_AT)
            && major < 3
        {
            return Err(Incompatible::Version { major }.into());
        }
        if input.get(AS_SERVER_AT).is_some_and(|octet| *octet > 1) {
            return Err(Malformed::AsServer.into());
        }
        let Some(octets) = input.first_chunk::<GREETING_LEN>() else { return Ok(None) };
        let mut reader = super::Reader::new(octets);
        let parsed = (|| {
            reader.array::<SIGNATURE_LEN>()?;
            let [major, minor] = *reader.array()?;
            let mechanism = MechanismName(*reader.array()?);
            let as_server = reader.octet()? == 1;
            Ok::<_, super::Truncated>(Self {
                version: Version { major, minor },
                mechanism,
                as_server,
            })
        })();
        Ok(parsed.ok())
    }
}

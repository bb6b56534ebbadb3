//! The way back to whoever asked (27/ZAP, "Proxy Handlers").

use bytes::Bytes;

use super::ZapError;

/// The routing frames in front of a request, in order; the reply goes back behind the same frames.
///
/// What a REP socket takes off and puts back by itself, a ROUTER hands to the application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    routing: Vec<Bytes>,
}

impl Envelope {
    /// The envelope of `routing` frames; none of them may be empty, as that would end it.
    #[must_use]
    pub fn new(routing: Vec<Bytes>) -> Option<Self> {
        routing.iter().all(|frame| !frame.is_empty()).then_some(Self { routing })
    }

    /// Splits a whole message at its delimiter, the first empty frame, which is in neither half.
    ///
    /// # Errors
    /// [`ZapError::NoDelimiter`].
    pub fn split<F: AsRef<[u8]>>(frames: &[F]) -> Result<(Self, &[F]), ZapError> {
        let at = frames.iter().position(|frame| frame.as_ref().is_empty());
        let (routing, rest) =
            at.and_then(|at| frames.split_at_checked(at)).ok_or(ZapError::NoDelimiter)?;
        let (_, body) = rest.split_first().ok_or(ZapError::NoDelimiter)?;
        let routing = routing.iter().map(|f| Bytes::copy_from_slice(f.as_ref())).collect();
        Ok((Self { routing }, body))
    }

    /// The routing frames.
    #[must_use]
    pub fn routing(&self) -> &[Bytes] {
        &self.routing
    }

    /// The whole message: routing frames, delimiter, `body`.
    #[must_use]
    pub fn wrap(self, body: Vec<Bytes>) -> Vec<Bytes> {
        let mut frames = self.routing;
        frames.push(Bytes::new());
        frames.extend(body);
        frames
    }
}

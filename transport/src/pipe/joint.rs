//! What two pipes of this process share while they are joined.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;
use zmtp_core::error::ProtocolError;

use super::PipeId;

/// Ends the connection of two pipes.
#[derive(Debug, Default)]
pub(crate) struct Joint {
    gone: CancellationToken,
    failed: OnceLock<(PipeId, ProtocolError)>,
}

impl Joint {
    /// Fires when either end leaves.
    pub(crate) const fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    /// Ends the connection: the owner of this pipe will not go on with its peer.
    pub(crate) fn fail(&self, pipe: PipeId, error: ProtocolError) {
        // The first reason stays.
        let _ = self.failed.set((pipe, error));
        self.gone.cancel();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Why the owner of this pipe did not go on, if that is how it ended.
    pub(crate) fn failure(&self, pipe: PipeId) -> Option<ProtocolError> {
        self.failed.get().filter(|(id, _)| *id == pipe).map(|(_, error)| error.clone())
    }
}
